"""The Python client against a running API, told what to do by its first argument; prints what it saw as JSON lines."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../examples/python"))

from ephemera_client import ApiError, ApiUnreachable, Ephemera, VmEnded, WaitTimeout  # noqa: E402

url, key = os.environ["EPHEMERA_API_URL"], os.environ["EPHEMERA_API_KEY"]
SPEC = {"template": "chat", "idle": {"firstConnectTimeoutSeconds": 3000}}


def say(**what):
    print(json.dumps(what), flush=True)


def life(ephemera, name):
    with ephemera.create({**SPEC, "name": name}, wait=True) as vm:
        again = ephemera.create({**SPEC, "name": name})
        ran = ephemera.exec(name, ["sh", "-c", "cat; exit 3"], stdin="typed")
        names = [one["name"] for one in ephemera.all_vms(template="chat")]
        say(state=vm["state"], same=again["uid"] == vm["uid"], ran=ran["stdout"], code=ran["exitCode"], listed=name in names)
        say(tar=len(ephemera.read_files(name, ".")) % 512 == 0, console=isinstance(ephemera.get_console(name), str))
    say(ended=ephemera.wait(name, "ended")["reason"])


def refusals(ephemera, name):
    try:
        ephemera.get_vm("no-such-vm")
    except ApiError as error:
        say(code=error.code, status=error.status, request=error.request_id is not None)
    try:
        Ephemera("http://127.0.0.1:9", key, retries=0).list_vms()
    except ApiUnreachable as error:
        say(unreachable="127.0.0.1:9" in str(error))
    ephemera.create({**SPEC, "name": name}, wait=True)
    try:
        ephemera.wait(name, "ended", timeout_seconds=0.2)
    except WaitTimeout as error:
        say(late=str(error))
    ephemera.delete(name)
    try:
        ephemera.wait(name, "ready")
    except VmEnded as error:
        say(hopeless=error.vm["state"] in ("destroying", "destroyed"))


def wait(ephemera, name):
    say(waiting=True)
    say(ended=ephemera.wait(name, "ended", timeout_seconds=120)["state"])


def events(ephemera, name):
    say(listening=True)
    for event in ephemera.events(vm=name):
        say(kind=event["kind"], number=event["number"])
        if event["kind"] == "vm.destroyed":
            return


{"life": life, "refusals": refusals, "wait": wait, "events": events}[sys.argv[1]](Ephemera(url, key), sys.argv[2])
