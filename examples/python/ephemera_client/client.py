"""Ephemera: VMs that are made, waited for and ended, and what happens to them, over the methods that are generated."""

from __future__ import annotations

import http.client
import json
import random
import time
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Union, cast

from .generated import CreateVm, Event, GeneratedCalls, Vm
from .http import ApiError, ApiUnreachable, Http

ENDED = ("destroyed", "failed")
# Heartbeats come each 15 s.
SILENCE_SECONDS = 45.0
LONGEST_REQUEST_SECONDS = 60

Goal = Union[str, Callable[[Vm], bool]]


class WaitTimeout(Exception):
    """What was waited for did not come in time; it may still come, and the wait may be begun again."""

    def __init__(self, name: str, goal: str, seconds: float, vm: Optional[Vm]) -> None:
        state = "" if vm is None else f": it is {vm['state']}"
        super().__init__(f"{name} was not {goal} within {seconds:g} s{state}")
        self.vm = vm


class VmEnded(Exception):
    """The VM went another way than the one that was waited for."""

    def __init__(self, vm: Vm, goal: str) -> None:
        why = ": ".join(word for word in (vm.get("reason"), vm.get("detail")) if word)
        super().__init__(f"{vm['name']} is {vm['state']} and will not be {goal}" + (f" ({why})" if why else ""))
        self.vm = vm


class OwnedVm(Dict[str, Any]):
    """A VM as the API answers it; `with` ends that life of it."""

    def __init__(self, client: "Ephemera", vm: Mapping[str, Any]) -> None:
        super().__init__(vm)
        self._client = client

    def __enter__(self) -> "OwnedVm":
        return self

    def __exit__(self, *_: Any) -> None:
        try:
            self._client.destroy_vm(self["name"], uid=self["uid"])
        except ApiError as error:
            if error.code not in ("unknownVm", "otherLife"):
                raise


class Ephemera(GeneratedCalls):
    """The API of a deployment, with one key. Every request has a method: `list_pools()`, `put_template(name, body)`, …"""

    def __init__(self, url: str, key: str, *, deadline_seconds: float = 30, retries: int = 4) -> None:
        self._http = Http(url, key, deadline_seconds, retries)

    def __enter__(self) -> "Ephemera":
        return self

    def __exit__(self, *_: Any) -> None:
        return None

    def _call(
        self, method: str, path: str, query: Mapping[str, Any], headers: Mapping[str, Optional[str]], body: Any, repeatable: bool
    ) -> Any:
        return self._http.answer(method, path, query, headers, body, repeatable)

    def create(
        self, spec: Optional[CreateVm] = None, *, wait: bool = False, timeout_seconds: float = 60, idempotency_key: Optional[str] = None
    ) -> OwnedVm:
        """Makes a VM, or gets the live one of that name. However often its answer is lost, one VM is made."""
        body = cast(CreateVm, {} if spec is None else spec)
        if not wait:
            return OwnedVm(self, cast(Vm, self.create_vm(body, idempotency_key=idempotency_key)))
        key = idempotency_key or f"{random.getrandbits(128):032x}"
        until = time.monotonic() + timeout_seconds
        while True:
            seconds = max(1, min(round(until - time.monotonic()), LONGEST_REQUEST_SECONDS))
            try:
                vm = cast(Vm, self.create_vm(body, wait="ready", timeout_seconds=seconds, idempotency_key=key))
            except ApiError as error:
                ended = (error.problem or {}).get("vm")
                if error.code in ("endedBeforeReady", "startFailed") and ended:
                    raise VmEnded(ended, "ready") from error
                raise
            if _is_reached(vm, "ready"):
                return OwnedVm(self, vm)
            if time.monotonic() >= until:
                raise WaitTimeout(vm["name"], "ready", timeout_seconds, vm)

    def delete(self, name: str, *, uid: Optional[str] = None, wait: bool = False, timeout_seconds: float = 60) -> Vm:
        """Ends one life of a name: that of `uid`, else the one that is there now. Asked again it ends no later one."""
        life = uid or cast(Vm, self.get_vm(name))["uid"]
        vm = cast(Vm, self.destroy_vm(name, uid=life))
        return self.wait(name, "ended", timeout_seconds=timeout_seconds, seen=vm) if wait else vm

    def all_vms(self, **filters: Any) -> Iterator[Vm]:
        """All pages of the list, one VM after the other."""
        token: Optional[str] = None
        while True:
            page = self.list_vms(page_size=1000, page_token=token, **filters)
            yield from page["vms"]
            token = page.get("nextPageToken")
            if token is None:
                return

    def wait(
        self,
        name: str,
        goal: Goal = "ready",
        *,
        timeout_seconds: float = 60,
        seen: Optional[Vm] = None,
        on_change: Optional[Callable[[Vm], None]] = None,
    ) -> Vm:
        """Waits until it is `ready`, `stopped`, `suspended`, `ended` or as the function says, also while the API is away."""
        until = time.monotonic() + timeout_seconds
        last = seen
        pause = 0.1
        while True:
            found = self._look(name, goal, last)
            if found is not None and not _is_older(found, last):
                now = found if last is None or found["uid"] == last["uid"] else cast(Vm, {**last, "state": "destroyed"})
                if on_change and (last is None or now["updatedAt"] != last["updatedAt"]):
                    on_change(now)
                last = now
                if _is_reached(now, goal):
                    return now
                if _is_hopeless(now, goal):
                    raise VmEnded(now, _name_of(goal))
            if time.monotonic() >= until:
                raise WaitTimeout(name, _name_of(goal), timeout_seconds, last)
            time.sleep(min(pause, max(0.0, until - time.monotonic())))
            pause = min(pause * 1.3, 1.0)

    def exec(self, name: str, command: List[str], **options: Any) -> Dict[str, Any]:
        """Runs a command in a VM and waits for its end: `exitCode`, `stdout`, `stderr`."""
        return cast(Dict[str, Any], self.run_command(name, cast(Any, {"command": command, **options})))

    def read_files(self, name: str, path: str) -> bytes:
        """A tar of a file or directory in the VM."""
        return cast(bytes, self._call("GET", f"/v1/vms/{name}/files", {"path": path}, {}, None, True))

    def write_files(self, name: str, path: str, tar: bytes) -> None:
        """Unpacks a tar in a directory of the VM, which is made where it is missing."""
        self._call("PUT", f"/v1/vms/{name}/files", {"path": path}, {}, tar, False)

    def events(
        self,
        *,
        vm: Optional[str] = None,
        template: Optional[str] = None,
        kind: Optional[List[str]] = None,
        last_event_id: Optional[str] = None,
        on_missed: Optional[Callable[[Dict[str, Any]], None]] = None,
    ) -> Iterator[Event]:
        """What happens to VMs, for ever: goes on after cuts where it was, and no event comes twice.

        `on_missed` is told when some are gone for good: read that VM, or everything, again.
        """
        query = {"vm": vm, "template": template, "kind": kind}
        numbers: Dict[str, int] = {}
        pause = 0.5
        while True:
            try:
                for event_id, event_type, data in self._blocks(query, last_event_id):
                    last_event_id = event_id or last_event_id
                    pause = 0.5
                    if event_type in ("gap", "reset") and on_missed:
                        on_missed(data)
                    if event_type == "end" and data.get("code") == "unauthenticated":
                        raise ApiError("GET /v1/events", 401, data, None)
                    if event_type == "vm" and data["number"] > numbers.get(data["uid"], 0):
                        numbers[data["uid"]] = data["number"]
                        yield cast(Event, data)
            except ApiError as error:
                if error.status != 429 and error.status < 500:
                    raise
            except ApiUnreachable:
                pass
            time.sleep(pause * random.uniform(0.5, 1))
            pause = min(pause * 2, 15.0)

    def _blocks(self, query: Mapping[str, Any], last_event_id: Optional[str]) -> Iterator[tuple[str, str, Dict[str, Any]]]:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_event_id} if last_event_id else {})}
        with self._http.open("GET", "/v1/events", query, headers, None, SILENCE_SECONDS) as response:
            fields: Dict[str, str] = {}
            while True:
                try:
                    line = response.readline()
                except (OSError, http.client.HTTPException) as error:
                    raise ApiUnreachable(f"the stream of events was cut ({error})") from error
                if not line.endswith(b"\n"):
                    return
                text = line.decode().rstrip("\r\n")
                if text:
                    name, _, value = text.partition(":")
                    fields[name] = value.removeprefix(" ")
                elif "data" in fields or "id" in fields:
                    # A heartbeat has an id alone: how far a reader is that hears of nothing.
                    yield fields.get("id", ""), fields.get("event", "message"), json.loads(fields.get("data", "{}"))
                    fields = {}
                else:
                    fields = {}

    def _look(self, name: str, goal: Goal, last: Optional[Vm]) -> Optional[Vm]:
        try:
            return cast(Vm, self.get_vm(name))
        except ApiUnreachable:
            return None
        except ApiError as error:
            if error.status == 404 and last is not None and goal == "ended":
                return cast(Vm, {**last, "state": "destroyed"})
            if error.status != 429 and error.status < 500:
                raise
            return None


def _is_older(found: Vm, last: Optional[Vm]) -> bool:
    """Another replica may show a VM as it was a second ago."""
    return last is not None and found["uid"] == last["uid"] and found["updatedAt"] < last["updatedAt"]


def _is_reached(vm: Vm, goal: Goal) -> bool:
    if callable(goal):
        return goal(vm)
    state: str = vm["state"]
    if goal == "ready":
        return state in ("running", "draining")
    return state in ENDED if goal == "ended" else state == goal


def _is_hopeless(vm: Vm, goal: Goal) -> bool:
    state: str = vm["state"]
    if state == "destroying":
        return goal != "ended" and not callable(goal)
    return state in ENDED or (goal == "ready" and state in ("stopped", "suspended"))


def _name_of(goal: Goal) -> str:
    return "as wished" if callable(goal) else goal
