"""The client of Ephemera for Python 3.11 and newer, of the standard library alone.

    from ephemera_client import Ephemera

    with Ephemera("http://127.0.0.1:7400", key) as ephemera:
        with ephemera.create({"name": "lobby", "template": "chat"}, wait=True) as lobby:
            print(lobby["address"])
"""

from .client import ApiError, ApiUnreachable, Ephemera, OwnedVm, VmEnded, WaitTimeout

__all__ = ["ApiError", "ApiUnreachable", "Ephemera", "OwnedVm", "VmEnded", "WaitTimeout"]
