#!/bin/sh
# Makes the VM that Terraform wants and destroys those before it, destroys all of the service, or tells the address. Needs
# curl. Nothing secret is on a command line: curl reads the header with the key from its standard input.
set -eu

request() { # METHOD PATH [curl's arguments]: the answer, and its status in the last line
  method=$1
  path=$2
  shift 2
  printf 'header = "Authorization: Bearer %s"\n' "$(cat "$API_KEY_FILE")" |
    curl -sS --config - ${API_CA_FILE:+--cacert "$API_CA_FILE"} --max-time 120 --retry 5 --retry-connrefused \
      -X "$method" -w '\n%{http_code}' "$@" "$API_URL$path"
}

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

# Waits until the VM in the file is ready. The same request again gets the same VM: what failed half way goes on here.
make() {
  until=$(($(date +%s) + READY_SECONDS))
  while :; do
    answer=$(request POST '/v1/vms?wait=ready&timeoutSeconds=60' -H 'Content-Type: application/json' --data-binary "@$1")
    case $(printf '%s' "$answer" | tail -n 1)$answer in
    20[012]*'"state":"running"'*) return ;;
    20[012]*'"state":"failed"'* | 20[012]*'"state":"destroyed"'*) fail "$VM_NAME did not come up: $answer" ;;
    20[012]* | 429* | 503*) ;;
    *) fail "$answer" ;;
    esac
    [ "$(date +%s)" -lt "$until" ] || fail "$VM_NAME is not ready in $READY_SECONDS s: $answer"
    sleep 2
  done
}

destroy() {
  while :; do
    answer=$(request DELETE "/v1/vms/$1?wait=destroyed&timeoutSeconds=60")
    case $(printf '%s' "$answer" | tail -n 1)$answer in
    404* | 200*'"state":"destroyed"'* | 200*'"state":"failed"'*) return ;;
    20[02]* | 429* | 503*) sleep 2 ;;
    *) fail "$answer" ;;
    esac
  done
}

# All VMs of the service that there are, but one; names end with eight digits of their spec's hash.
others() {
  listed=$(request GET "/v1/vms?label=service%3D$SERVICE&pageSize=500")
  [ "$(printf '%s' "$listed" | tail -n 1)" = 200 ] || fail "$listed"
  printf '%s' "$listed" | grep -o "\"name\":\"$SERVICE-[0-9a-f]\{8\}\"" | cut -d '"' -f 4 | sort -u | grep -vx "$1" || true
}

case ${1:-} in
up)
  file=$(mktemp)
  trap 'rm -f "$file"' EXIT
  # A body of {"name": …, …}: what the VM is made from, with its name in front.
  printf '{"name":"%s",%s' "$VM_NAME" "${VM_BODY#?}" > "$file"
  make "$file"
  names=$(others "$VM_NAME")
  for name in $names; do destroy "$name"; done
  ;;
down)
  names=$(others none)
  for name in $names; do destroy "$name"; done
  ;;
address)
  # Terraform asks by standard input, which this needs nothing of, and takes one JSON object of texts.
  answer=$(request GET "/v1/vms/$VM_NAME")
  ip=$(printf '%s' "$answer" | sed -n 's/.*"address":{"ip":"\([^"]*\)".*/\1/p')
  [ -n "$ip" ] || fail "$VM_NAME has no address: $answer"
  printf '{"ip":"%s"}\n' "$ip"
  ;;
*)
  echo "usage: vm.sh up|down|address" >&2
  exit 2
  ;;
esac
