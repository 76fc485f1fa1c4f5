"""A small provider of OpenID Connect on loopback, for tests; it can be told to send forged tokens.

It knows one client and whoever `person` describes. What a client must do, it checks: the address
to come back to, the secret, PKCE, and that a code is used once.
"""

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "cifar-lab"
SECRET = "the secret of the client"
FAULTS = {  # what a forged token says in place of the truth; None: it says nothing
    "nonce": {"nonce": "that of somebody else"},
    "no nonce": {"nonce": None},
    "audience": {"aud": "another client"},
    "issuer": {"iss": "http://evil.example"},
    "expired": {"iat": 1_600_000_000, "exp": 1_600_000_600},
    "signature": {},
    "unsigned": {},
    "no token": {},
}


def encoded(content):
    """Write bytes or a dictionary as the parts of a token are written."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Provider:
    """Serves until it is closed."""

    def __init__(self, redirect_uri):
        self.redirect_uri = redirect_uri
        self.person = {"email": "ana@lab.org", "email_verified": True, "name": "Ana"}
        self.fault = ""
        self.is_down = False
        self.codes = {}
        self.log_outs = []
        self.key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
        self.foreign_key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def metadata(self):
        """Return what /.well-known/openid-configuration says."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def question(self, asked):
        """Return the page on which a person says yes or no to a log-in."""
        assert asked["client_id"] == CLIENT
        assert asked["redirect_uri"] == self.redirect_uri
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert {"openid", "email"} <= set(asked["scope"].split())
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        yes = urlencode({"code": code, "state": asked["state"]})
        no = urlencode({"error": "access_denied", "state": asked["state"]})
        return (
            f"<h1>A provider</h1><p>Log in as {html.escape(self.person['email'] or 'nobody')}?"
            f"<p><a href='{self.redirect_uri}?{html.escape(yes)}'>Yes</a> "
            f"<a href='{self.redirect_uri}?{html.escape(no)}'>No</a>"
        )

    def tokens(self, given, authorization):
        """Return the tokens for a code."""
        user = f"{CLIENT}:{SECRET}".encode()
        assert authorization == f"Basic {base64.b64encode(user).decode()}"
        asked = self.codes.pop(given["code"])
        assert given["grant_type"] == "authorization_code"
        assert given["redirect_uri"] == asked["redirect_uri"]
        challenge = encoded(hashlib.sha256(given["code_verifier"].encode()).digest())
        assert challenge == asked["code_challenge"]
        found = {"access_token": secrets.token_urlsafe(), "token_type": "Bearer", "expires_in": 600}
        return found if self.fault == "no token" else {**found, "id_token": self.token(asked)}

    def token(self, asked):
        """Return what says who logged in, forged if the provider was told to."""
        now = int(time.time())
        claims = {"iss": self.url, "sub": "1", "aud": CLIENT, "iat": now, "exp": now + 600,
                  "nonce": asked["nonce"], **self.person, **FAULTS.get(self.fault, {})}  # fmt: skip
        claims = {key: value for key, value in claims.items() if value is not None}
        if self.fault == "unsigned":
            return f"{encoded({'alg': 'none'})}.{encoded(claims)}."
        key = self.foreign_key if self.fault == "signature" else self.key
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, key)


def handler_of(provider):
    """Return what answers the requests for a provider."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path, asked = urlsplit(self.path).path, self.read(urlsplit(self.path).query)
            if provider.is_down:
                self.send_error(503)
            elif path == "/.well-known/openid-configuration":
                self.answer(json.dumps(provider.metadata()), "application/json")
            elif path == "/keys":
                keys = [provider.key.as_dict(private=False)]
                self.answer(json.dumps({"keys": keys}), "application/json")
            elif path == "/authorize":
                self.answer(provider.question(asked), "text/html")
            elif path == "/end":
                provider.log_outs.append(asked)
                self.send_response(302)
                self.send_header("Location", asked["post_logout_redirect_uri"])
                self.end_headers()
            else:
                self.send_error(404)

        def do_POST(self):
            given = self.rfile.read(int(self.headers["Content-Length"])).decode()
            found = provider.tokens(self.read(given), self.headers["Authorization"])
            self.answer(json.dumps(found), "application/json")

        def read(self, query):
            return {key: values[0] for key, values in parse_qs(query).items()}

        def answer(self, text, kind):
            content = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    return Handler
