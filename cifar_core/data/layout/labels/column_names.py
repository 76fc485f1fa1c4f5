"""The names by which columns of classes and of groups are recognized, in several languages.

Names are compared without capitals, accents and separators: 'Klassen-Name' is 'klassen_name'.
"""

import re
from collections.abc import Iterable

from cifar_core.data.layout import synonyms


def plain(name: str) -> str:
    """Return a column's name as it is compared."""
    return "_".join(synonyms.tokens(name))


def plain_names(text: str) -> tuple[str, ...]:
    """Return the names in a text, as they are compared."""
    return tuple(map(plain, text.split()))


LABELS = plain_names(  # names of columns that hold the class, the surest first
    """
    class_name label_name category_name species_name klassenname nom_classe nombre_clase nome_classe
    label class category target labels classes categories species breed diagnosis dx disease
    klasse etikett kategorie tierart pflanzenart rasse gattung diagnose befund krankheit zielklasse
    classe étiquette catégorie espèce diagnostic maladie
    clase etiqueta categoría especie raza diagnóstico enfermedad
    etichetta categoria specie razza diagnosi malattia rótulo espécie raça doença
    soort klass kategori klasa etykieta kategoria gatunek класс метка категория вид
    类别 标签 分类 類別 標籤 分類 クラス ラベル 라벨 클래스
    finding_labels finding variety cultivar emotion expression type kind
    art sorte typ tipo genre variété variedad varietà race
    article_type style tag tags age_group gender sex landmark_id
    class_id label_id category_id class_index label_index target_id classid
    y ground_truth gt truth annotation answer animal tier animale dier plant pflanze plante planta
    object objekt objet objeto oggetto name
    """
)
SURE = frozenset(LABELS[: LABELS.index("finding_labels")])
GROUPS = frozenset(  # words in the names of columns that say which pictures belong together
    plain_names(
        """
        patient subject group video clip lesion person participant donor animal individual case
        sequence track series session writer scene burst slide specimen
        patientin proband probandin gruppe läsion fall sequenz serie sitzung schreiber szene spender
        individuum tier
        sujet groupe lésion personne cas séquence séance scène donneur individu
        paciente sujeto grupo lesión persona caso secuencia sesión escena donante individuo
        paziente soggetto gruppo lesione sequenza sessione scena donatore
        sujeito lesão pessoa sequência sessão cena doador patiënt groep pacjent grupa пациент группа
        """
    )
)
PLURAL = re.compile(r"(s|e?n)$")
OTHER = frozenset(  # words in the names of columns that describe a picture, not what it shows
    plain_names(
        """
        date time day month year width height size fold author photographer camera device source
        license url quality age place city country latitude longitude comment note remark
        datum zeit uhrzeit tag monat jahr breite höhe größe autor fotograf kamera gerät quelle
        lizenz qualität alter ort stadt land bemerkung notiz kommentar
        heure jour mois année largeur hauteur taille auteur appareil lieu ville pays remarque
        fecha hora día mes año ancho alto tamaño cámara fuente calidad edad lugar ciudad país
        data ora giorno mese anno larghezza altezza autore fonte luogo città paese nota
        """
    )
)


def is_group(name: str) -> bool:
    """Return True if a column's name says that it tells apart patients, videos and the like."""
    return any(word in GROUPS or PLURAL.sub("", word) in GROUPS for word in plain(name).split("_"))


def has_word(name: str, words: Iterable[str]) -> bool:
    """Return True if one of the words in a column's name is among these."""
    return not set(plain(name).split("_")).isdisjoint(words)
