"""Get or create the VM of a lobby, use it for a moment, and leave it to whoever comes next: python3 lobby.py [NAME]"""

import os
import sys

from ephemera_client import Ephemera

ephemera = Ephemera(os.environ.get("EPHEMERA_API_URL", "http://127.0.0.1:7400"), os.environ["EPHEMERA_API_KEY"])
name = sys.argv[1] if len(sys.argv) > 1 else "lobby"
vm = ephemera.create({"name": name, "template": "chat"}, wait=True)
print(f"{vm['name']} is {vm['state']} at http://{vm['address']['ip']}:{vm['address']['ports'][0]['port']}/")
