"""One request to the API: its headers, its time, and whether and when it is asked again."""

from __future__ import annotations

import http.client
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any, Dict, Mapping, Optional

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
# Answers of proxies, and of an API that starts or whose Temporal is away.
PASSING = ("temporalUnavailable", "notReady", None)


class ApiError(Exception):
    """The API answered, and refused; `code` is one of docs/errors.md."""

    def __init__(self, asked: str, status: int, problem: Optional[Dict[str, Any]], retry_after: Optional[float]) -> None:
        super().__init__((problem or {}).get("detail") or f"{asked} was answered {status}")
        self.status = status
        self.problem = problem
        self.code: Optional[str] = (problem or {}).get("code")
        self.request_id: Optional[str] = (problem or {}).get("requestId")
        self.retry_after_seconds = retry_after


class ApiUnreachable(Exception):
    """No answer came: the API does not run, cannot be reached, or said nothing in time."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The key goes to nobody else."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


class Http:
    """Sends requests; asks again, by itself, only what does nothing more when it is asked twice."""

    def __init__(self, url: str, key: str, deadline_seconds: float, retries: int) -> None:
        self.url = url.rstrip("/")
        self.key = key
        self.deadline_seconds = deadline_seconds
        self.retries = retries

    def answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        headers: Mapping[str, Optional[str]],
        body: Any,
        repeatable: bool,
    ) -> Any:
        """The JSON of a good answer, the text of one that is text, else its bytes."""
        sent = {name: value for name, value in headers.items() if value is not None}
        if repeatable and "Idempotency-Key" in headers:
            # The same one over all tries.
            sent.setdefault("Idempotency-Key", uuid.uuid4().hex)
        waits = query.get("timeoutSeconds") or (body.get("timeoutSeconds") if isinstance(body, dict) else None) or 0
        tries = 0
        while True:
            try:
                with self.open(method, path, query, sent, body, self.deadline_seconds + waits) as response:
                    return _content(response)
            except (ApiError, ApiUnreachable) as error:
                pause = _pause_before(error, repeatable, tries) if tries < self.retries else None
                if pause is None:
                    raise
                time.sleep(pause)
                tries += 1

    def open(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Any,
        deadline_seconds: float,
    ) -> http.client.HTTPResponse:
        """A good answer that nobody has read yet."""
        pairs = [(name, one) for name, value in query.items() for one in (value if isinstance(value, list) else [value])]
        search = urllib.parse.urlencode([(name, _text(value)) for name, value in pairs if value is not None])
        parts = "/".join(urllib.parse.quote(part, safe="") for part in path.split("/"))
        sent = {"Authorization": f"Bearer {self.key}", **headers}
        data = body
        if isinstance(body, (dict, list)):
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        elif body is not None:
            sent["Content-Type"] = "application/x-tar"
        address = f"{self.url}{parts}" + (f"?{search}" if search else "")
        request = urllib.request.Request(address, data, sent, method=method)
        try:
            return _OPENER.open(request, timeout=deadline_seconds)
        except urllib.error.HTTPError as error:
            raise _refusal(f"{method} {path}", error) from None
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise ApiUnreachable(f"{self.url} does not answer ({reason})") from error


def _content(response: http.client.HTTPResponse) -> Any:
    try:
        content = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise ApiUnreachable(f"the answer was cut off ({error})") from error
    kind = response.headers.get_content_type()
    if kind == "application/json" or kind.endswith("+json"):
        return json.loads(content)
    return content.decode() if kind.startswith("text/") else content


def _refusal(asked: str, error: urllib.error.HTTPError) -> ApiError:
    with error:
        try:
            problem = json.loads(error.read())
        except (ValueError, OSError, http.client.HTTPException):
            problem = None
    after = error.headers.get("Retry-After", "")
    return ApiError(asked, error.code, problem if isinstance(problem, dict) else None, float(after) if after.isdigit() else None)


def _pause_before(error: Exception, repeatable: bool, tries: int) -> Optional[float]:
    """When to ask again, or None where the failure is the answer."""
    calm = min(FIRST_PAUSE_SECONDS * 2**tries, LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1)
    if not isinstance(error, ApiError):
        return calm if repeatable else None
    # Refused before anything was done, so even what may be done once only may be asked again.
    refused_for_now = error.status == 429 and error.code == "rateLimited"
    passes = repeatable and error.status in (502, 503, 504) and error.code in PASSING
    if not (refused_for_now or passes):
        return None
    return calm if error.retry_after_seconds is None else min(error.retry_after_seconds, LONGEST_PAUSE_SECONDS)


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
