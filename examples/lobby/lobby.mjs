/** Get or create the VM of a lobby: whoever asks first makes it, everybody else gets the same one. */
const { EPHEMERA_API_URL: api = 'http://127.0.0.1:7400', EPHEMERA_API_KEY: key } = process.env;
const response = await fetch(`${api}/v1/vms?wait=ready`, {
  method: 'POST',
  headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
  body: JSON.stringify({ name: process.argv[2] ?? 'lobby', template: 'chat' }),
});
const vm = await response.json();
if (!response.ok) throw new Error(`${vm.code}: ${vm.detail}`);
console.log(response.status === 201 ? 'made' : 'there already', `http://${vm.address.ip}:${vm.address.ports[0].port}/`);
