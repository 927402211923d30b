"""A hook of schemathesis. It signs each request for the path of the request, as callers do."""

import base64
import hashlib
import hmac
import json
from urllib.parse import urlsplit

import schemathesis

KEY = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
YEAR_2100 = 4_102_444_800


@schemathesis.hook
def before_call(context, case, kwargs):
    kwargs["auth"] = sign


def sign(request):
    audience = f"http://localhost{urlsplit(request.url).path}"
    request.headers["Authorization"] = f"Bearer {token({'aud': audience, 'exp': YEAR_2100})}"
    return request


def token(claims):
    head, claims = (encode(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    signed = f"{head}.{claims}"
    return f"{signed}.{encode(hmac.new(KEY, signed.encode(), hashlib.sha256).digest())}"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
