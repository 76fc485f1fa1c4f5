"""What axe-core finds wrong for assistive technology, in dark and in light."""

from axe_playwright_python.base import AXE_SCRIPT

APP = "document.querySelector('[data-testid=stApp]')"
BACKGROUNDS = {"dark": "rgb(16, 21, 28)", "light": "rgb(255, 255, 255)"}
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
COLORS = {"runOnly": ["color-contrast"]}
RUN = """([within, options]) =>
    axe.run(within || document, options).then(found => found.violations)"""


def problems(tab, within="", rules=None):
    """Return the serious violations of rules, of all unless others are given.

    Light is looked at by the rule of colors alone: nothing else differs there.
    """
    return {
        f"{scheme}, {words}"
        for scheme, asked in (("dark", rules or {}), ("light", COLORS))
        for words in problems_in(scheme, tab, within, asked)
    }


def problems_in(scheme, tab, within, rules):
    """Return the serious violations of rules in one scheme."""
    tab.emulate_media(color_scheme=scheme)
    tab.wait_for_function(f"getComputedStyle({APP}).backgroundColor === '{BACKGROUNDS[scheme]}'")
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in violations(tab, within, rules)
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def violations(tab, within="", rules=None):
    """Return what axe finds: its list of all that is right would be thousands of elements long."""
    if not tab.evaluate("'axe' in window"):
        tab.evaluate(AXE_SCRIPT)
    return tab.evaluate(RUN, [within, {"resultTypes": ["violations"], **(rules or {})}])
