"""Get or create the VM of a lobby: whoever asks first makes it, everybody else gets the same one."""
import json, os, sys, urllib.request

api = os.environ.get("EPHEMERA_API_URL", "http://127.0.0.1:7400")
body = {"name": sys.argv[1] if len(sys.argv) > 1 else "lobby", "template": "chat"}
headers = {"Authorization": f"Bearer {os.environ['EPHEMERA_API_KEY']}", "Content-Type": "application/json"}
request = urllib.request.Request(f"{api}/v1/vms?wait=ready", json.dumps(body).encode(), headers)
with urllib.request.urlopen(request) as response:
    vm = json.load(response)
print("made" if response.status == 201 else "there already", f"http://{vm['address']['ip']}:{vm['address']['ports'][0]['port']}/")
