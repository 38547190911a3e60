/**
 * The shell scripts around a guest's network. The uplink makes a network namespace, joins it with the host's network by
 * pasta, and starts that again when it ends. It is the first process of a process namespace, in a user namespace of its own:
 * when it ends, everything in it ends, and it ends with the QEMU that it was started for.
 */
import { FILTER, INSIDE } from './guest-filter.ts';

/** The network card of the namespace; a fixed address, since an older pasta does not ask for it before it first sends. */
const CARD = 'up0';
const CARD_HARDWARE_ADDRESS = '02:00:00:00:00:02';

/** File descriptor of the uplink that is the namespace. */
const NAMESPACE_FD = 9;

/** Ends of a pipe: the command in the network has the one open that is written to, its uplink the other. */
const COMMAND_FD = 8;
const LIFE_FD = 7;

const NFT_INSIDE = `nsenter --net=/proc/self/fd/${NAMESPACE_FD} nft -f -`;

/**
 * Without -T none, -U none and --no-map-gw a guest reaches services of its host. One -t or -u for each port: a list of
 * ports of which one is taken begins without that one.
 */
const PASTA = [
  ...['pasta', '-q', '-f', '-4', '-I', CARD, '--ns-mac-addr', CARD_HARDWARE_ADDRESS],
  ...['-a', INSIDE.card, '-n', '24', '-g', INSIDE.router, '--no-map-gw', '-T', 'none', '-U', 'none'],
  ...['--no-dhcp', '--no-dhcpv6', '--no-ndp', '--no-ra', '-S', 'none'],
].join(' ');

/** What the uplink says on its standard output, a line each, until it is joined. */
export const UPLINK_WORD = { joined: 'joined', taken: 'taken', failed: 'failed' } as const;

/** What it says in QEMU's log when it gives up, before the reason. */
export const UPLINK_GAVE_UP = 'the uplink of the guest cannot be started again: ';

/**
 * Arguments: the rules of the filter; `open` where they let anything out; `names` where the resolver of the host is asked;
 * addresses to try, in this order; how often a pasta that ended is started again, each half second, before all is given up; then
 * the ports, as t:8080 or u:7000.
 */
const UPLINK = `
rules=$1 open=$2 names=$3 addresses=$4 tries=$5; shift 5
# Nobody writes there: it ends with the command whose network this is, also where neither may signal the other.
trap 'exit 1' TERM
{ read -r line <&${LIFE_FD}; kill -s TERM 1; } &
fail() { echo "${UPLINK_WORD.failed} $1"; exit 1; }
mount -t tmpfs -o size=256k,mode=0700 none /tmp && cd /tmp || fail 'no file system can be mounted in a user namespace'
unshare -n sh -c '
  ip link set lo up && ip tuntap add ${CARD} mode tap || { echo tun >failed; exit; }
  ip link set ${CARD} address ${CARD_HARDWARE_ADDRESS} mtu 65520 && ip address add ${INSIDE.card}/32 dev ${CARD} &&
    ip link set ${CARD} up && ip route add default via ${INSIDE.router} dev ${CARD} onlink || { echo ip >failed; exit; }
  nft -f - || { echo nft >failed; exit; }
  echo made >made; exec sleep 60
' <<RULES &
$rules
RULES
first=$!
while [ ! -s made ]; do
  [ ! -s failed ] || fail "the namespace cannot be set up ($(cat failed))"
  kill -0 $first 2>/dev/null || fail 'no network namespace can be made'
  sleep 0.02
done
exec ${NAMESPACE_FD}</proc/$first/ns/net
kill $first
case $names in names) names='--dns-forward ${INSIDE.resolver}' ;; *) names='-D none' ;; esac

# What is the host itself, every address that it answers on, and what is directly beside it.
renew() {
  {
    echo 'flush set ip ${FILTER.table} ${FILTER.ofHost}'
    echo 'flush set ip ${FILTER.table} ${FILTER.beside}'
    ip -4 route show table local | while read -r kind network rest; do
      case $kind:$network in local:[0-9]* | broadcast:[0-9]*) echo "add element ip ${FILTER.table} ${FILTER.ofHost} { $network }" ;; esac
    done
    ip -4 route show scope link | while read -r network rest; do
      case $network in [0-9]*) echo "add element ip ${FILTER.table} ${FILTER.beside} { $network }" ;; esac
    done
  } >sets
  ${NFT_INSIDE} <sets 2>refused
}
join() {
  address=$1; shift
  ports=
  for port do ports="$ports -\${port%%:*} $address/\${port#*:}"; done
  [ -n "$ports" ] || ports='-t none -u none'
  rm -f pid
  ${PASTA} $names -P pid $ports --netns-only --netns /proc/self/fd/${NAMESPACE_FD} >said 2>&1 &
  pasta=$!
  while [ ! -s pid ]; do
    kill -0 $pasta 2>/dev/null || return 1
    sleep 0.02
  done
}
# The routes may change while they are read.
for attempt in 1 2 3 4 5; do
  [ "$open" = open ] || break
  renew && break
  [ $attempt -lt 5 ] || fail "the filter takes no addresses: $(tr '\\n' ' ' <refused | cut -c 1-300)"
  sleep 0.1
done
joined=
while :; do
  for one in $addresses; do join "$one" "$@" && joined=$one && break; done
  [ -z "$joined" ] || break
  grep -qi -e bind -e listen said || fail "pasta does not start: $(tail -n 1 said)"
  echo "${UPLINK_WORD.taken} $(tail -n 1 said)"
  sleep 0.5
done
echo "${UPLINK_WORD.joined} $joined"
exec >&2
if [ "$open" = open ]; then ip -4 monitor address route | while read -r line; do renew || { sleep 0.1; renew; }; done & fi
while :; do
  wait $pasta
  echo "the uplink of the guest ended and is started again: $(tail -n 1 said)"
  left=$tries
  until join "$joined" "$@"; do
    left=$((left - 1))
    [ $left -gt 0 ] || { echo "${UPLINK_GAVE_UP}$(tail -n 1 said)"; exit 1; }
    sleep 0.5
  done
done
`;

/**
 * Shell functions. `start_uplink`: its first argument is the user that the uplink runs as, or `self`; those of the uplink
 * follow. `become_in_network` becomes a command in the network of a new uplink, and keeps what that last said of itself in a
 * file. Variables: `uplink_script`; `owner`, as for the start; `state`, the file; `resolver`, a file that is /etc/resolv.conf to
 * the command, or nothing; `rules`, `open`, `names`, `addresses`, `tries` and `ports`, as the uplink takes them. The command has no
 * rights over its network: as root it keeps those of root, which QEMU gives up itself, else it has none.
 */
const FUNCTIONS = `
start_uplink() {
  as=$1; shift
  case $as in self) as= ;; *) as="setpriv --reuid=$as --regid=$as --clear-groups --" ;; esac
  exec $as unshare -Urpf --mount-proc --kill-child -- /bin/sh -c "$uplink_script" ephemera-uplink "$@"
}
become_in_network() {
  rm -f "$state" "$state.pipe" "$state.life"
  mkfifo -m 0600 "$state.pipe" "$state.life" || exit 1
  exec ${COMMAND_FD}<>"$state.life" ${LIFE_FD}<"$state.life"
  rm -f "$state.life"
  start_uplink "$owner" "$rules" "$open" "$names" "$addresses" "$tries" $ports >"$state.pipe" ${COMMAND_FD}>&- &
  uplink=$!
  exec ${LIFE_FD}<&-
  said=
  while read -r line; do
    said=$line
    printf '%s\\n' "$said" >"$state.draft" && mv "$state.draft" "$state"
    case $said in '${UPLINK_WORD.joined} '*) break ;; esac
  done <"$state.pipe"
  rm -f "$state.pipe"
  case $said in '${UPLINK_WORD.joined} '*) ;; *) echo "the network of the guest was not made: $said" >&2; exit 1 ;; esac
  read -r first rest </proc/$uplink/task/$uplink/children
  [ -n "$first" ] || { echo 'the uplink of the guest ended' >&2; exit 1; }
  enter="nsenter --net=/proc/$first/fd/${NAMESPACE_FD}"
  drop=
  case $owner in self)
    enter="$enter --target $first --user --preserve-credentials"
    drop='setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs --'
  esac
  [ -n "$resolver" ] || exec $enter -- $drop "$@"
  exec $enter -- unshare --mount /bin/sh -c '
    mount --bind "$1" /etc/resolv.conf || echo "the guest finds no names" >&2
    shift; exec "$@"
  ' in-network "$resolver" $drop "$@"
}
`;

export const NETWORK_SCRIPT = { uplink: UPLINK, functions: FUNCTIONS } as const;
