"""Generated from docs/openapi.json by dev/generate-docs.ts: the types of the API, and a method for each of its requests."""

from __future__ import annotations

from typing import Any, Dict, List, Literal, Mapping, Optional, TypedDict, Union

try:
    from typing import NotRequired
except ImportError:  # Python 3.10 and older
    from typing_extensions import NotRequired  # type: ignore



class CreateVmPorts(TypedDict):
    # Name of the port, unique in the VM.
    name: str
    # Port in the machine, and at its address.
    port: int
    # What the port takes. `tcp`: connections; `udp`: datagrams, where the provider can. Default: `tcp`.
    protocol: NotRequired[Literal["tcp", "udp"]]


class CreateVmReadiness(TypedDict):
    """When the VM counts as ready. Default: that of the template; without a template its agent says so."""

    # When the VM counts as ready. `agent`: the agent in the machine says so; `http`: a GET of `path` on `port` answers 2xx or 3xx; `tcp`: `port` takes a connection; `machine`: the machine runs. Default: that of the template; without a template `agent`.
    kind: NotRequired[Literal["agent", "http", "tcp", "machine"]]
    # TCP port that is asked, with `http` and `tcp`. One of `ports`. Default: that of the template, or the only TCP port.
    port: NotRequired[int]
    # Path that is asked, with `http`. Default: that of the template; without a template `/`.
    path: NotRequired[str]
    # The VM ends as `notReady` when it is not ready this long after its machine was made. Default: that of the template; without a template 120.
    timeoutSeconds: NotRequired[int]


class CreateVmIdle(TypedDict):
    """When nobody uses the VM any more. Default: each field has its own."""

    # The VM ends when nobody has been connected for this long after use. Default: that of the template; without a template 300.
    timeoutSeconds: NotRequired[int]
    # The VM ends when it has been ready for this long and nobody ever connected. Default: that of the template; without a template 600.
    firstConnectTimeoutSeconds: NotRequired[int]
    # When the agent has not reported for this long its count is unknown and the provider is asked whether the machine runs; after as long again the VM ends as `lost`. Default: that of the template; without a template 300.
    silenceTimeoutSeconds: NotRequired[int]
    # What follows then, and when a drain is through. `destroy`: the VM ends and its machine is removed; `stop`: its machine is stopped and keeps its disk, until somebody starts it or asks for its name; `suspend`: its memory is kept too, where the provider can; it is stopped where it cannot be suspended; `close`: it is kept as an image, where the provider can; `none`: nothing: it stays, empty or not. Default: that of the template; without a template `destroy`.
    action: NotRequired[Literal["destroy", "stop", "suspend", "close", "none"]]
    # A stopped VM ends when nobody has started it for this long; one that is suspended is stopped then. Default: that of the template; without a template at the end of `maxLifetimeSeconds`, which counts in any case.
    retentionSeconds: NotRequired[int]


class CreateVm(TypedDict):
    """A template with overrides, or without `template` a whole spec with at least `image`. With neither, the default template of the deployment (EPHEMERA_DEFAULT_TEMPLATE). Unknown fields are refused. What the chosen provider cannot do is refused with `unsupportedOption`."""

    # Unique among the live VMs of the project. Default: one is made up.
    name: NotRequired[str]
    # What the spec is taken from; fields of the request win. `chat` is the version of it that serves, `chat@3` its version 3. Default: none where `image` is given, else the default template of the deployment.
    template: NotRequired[str]
    # Who makes the machine. `local`: processes on this computer, each with a loopback address of its own; no virtual machines; `qemu`: virtual machines on hosts of your own, with KVM where it works; `gcp`: instances of Google Compute Engine; `ec2`: instances of Amazon EC2; `digitalocean`: droplets of DigitalOcean; `azure`: virtual machines of Microsoft Azure. Default: that of the template, or the first one of the deployment.
    provider: NotRequired[Literal["local", "qemu", "gcp", "ec2", "digitalocean", "azure"]]
    # What the machine boots: a name that the provider knows. Default: that of the template; needed without one.
    image: NotRequired[str]
    # What the VM is for, in words for people. Default: that of the template; without a template none.
    description: NotRequired[str]
    # Zones of the provider, or of our own hosts, tried in this order. Default: that of the template; without a template those of the deployment, where there are any.
    zones: NotRequired[List[str]]
    # Labels that the host of the machine must have, where hosts of ours run machines. Default: that of the template; without a template any host.
    hostSelector: NotRequired[Dict[str, str]]
    # Virtual processors. Not enforced on `local`, whose machines are processes of the host and may use all of it. Default: that of the template; without a template 1.
    cpus: NotRequired[int]
    # Memory in MiB. Not enforced on `local`, whose machines are processes of the host and may use all of it. Default: that of the template; without a template 512.
    memoryMb: NotRequired[int]
    # Size of the disk in GiB. Default: that of the template; without a template as big as the image.
    diskGb: NotRequired[int]
    # A machine type of the provider, instead of `cpus` and `memoryMb`. Default: that of the template; without a template chosen by `cpus` and `memoryMb`.
    machineType: NotRequired[str]
    # A network or subnetwork of the provider. Default: that of the template; without a template the first one that the deployment allows.
    network: NotRequired[str]
    # Whether the machine has an address on the internet. Default: that of the template; without a template false.
    externalIp: NotRequired[bool]
    # Whether the provider may take the machine back at any time, for a lower price. Default: that of the template; without a template false.
    spot: NotRequired[bool]
    # What the machine may reach. True: the internet. A list, where the provider can: what its rules name, as `443/tcp`, `27000-27100/udp`, `192.0.2.0/24` or `198.51.100.7/32:8080/tcp` (docs/networking.md). Default: that of the template; without a template `false`, nothing.
    egress: NotRequired[Union[bool, List[str]]]
    # Yours to find VMs by: `?label=key=value`. Added to those of the template. Default: those alone.
    labels: NotRequired[Dict[str, str]]
    # Environment of the app in the machine. Everybody who reads the VM reads it: secrets belong into `secretEnv`. Added to those of the template. Default: those alone.
    env: NotRequired[Dict[str, str]]
    # What cloud-init in the machine does at its first boot, where the image has cloud-init: a `#cloud-config`, or a script that begins with `#!`. Everybody who reads the VM reads it, and so does whoever is in the machine: secrets belong into `secretEnv`. Default: that of the template; without a template nothing.
    userData: NotRequired[str]
    # Ports that the app listens on. Names and port/protocol pairs are unique. Default: that of the template; without a template none.
    ports: NotRequired[List["CreateVmPorts"]]
    # When the VM counts as ready. Default: that of the template; without a template its agent says so.
    readiness: NotRequired["CreateVmReadiness"]
    # When nobody uses the VM any more. Default: each field has its own.
    idle: NotRequired["CreateVmIdle"]
    # From this age on the VM ends as soon as it is empty. Default: that of the template; without a template never.
    softLifetimeSeconds: NotRequired[int]
    # At this age the VM ends, whoever uses it. Null: never; it stays until it is destroyed, which needs `idle.action` `none`. Default: that of the template; without a template 86400.
    maxLifetimeSeconds: NotRequired[Union[int, None]]
    # What follows when the machine is lost. `destroy`: the VM ends as `lost` or `preempted`; `recreate`: it gets a new machine under its name, at most five times. Default: that of the template; without a template `destroy`.
    onLost: NotRequired[Literal["destroy", "recreate"]]
    # Which ways in through the agent are open to holders of keys: `ports` to connect to its TCP ports, `exec` to run commands, `files` to read and write files. An empty list shuts all. Default: that of the template; without a template all of them.
    remoteAccess: NotRequired[List[Literal["ports", "exec", "files"]]]
    # Whether the VM starts with a clean disk though its name was closed and an image is kept of it. Default: false, which starts from that image.
    fresh: NotRequired[bool]
    # Like `env`, for secrets: sealed before anything is kept, opened only for the machine, shown nowhere. At most 32768 bytes together; no name that is in `env`. Default: none.
    secretEnv: NotRequired[Dict[str, str]]
    # Runs once on each machine, before the VM is ready: by the interpreter of its `#!` line, else by /bin/sh, with `env` and `secretEnv` in its environment. Its output goes to the console; an exit code other than 0 ends the VM as `notReady`. Sealed like `secretEnv`; at most 65536 bytes. Default: none.
    startupScript: NotRequired[str]


class VmTemplate(TypedDict):
    """What the VM was made from; absent when its spec was given whole."""

    # Name of the template.
    name: str
    # Its version when the VM was made.
    version: int


class VmAddressPorts(TypedDict):
    # Name of the port.
    name: str
    # Port in the machine, and at its address.
    port: int
    # What the port takes. `tcp`: connections; `udp`: datagrams, where the provider can.
    protocol: Literal["tcp", "udp"]


class VmAddress(TypedDict):
    """Where its users connect; absent until the machine has one."""

    # Address that users connect to.
    ip: str
    # From where that address can be reached; a firewall on the way is another matter. `host`: only from the computer that runs the machine; `network`: from networks that have a way to it; `internet`: from everywhere.
    reach: Literal["host", "network", "internet"]
    # Ports of the VM at that address.
    ports: List["VmAddressPorts"]


class VmNextDeadline(TypedDict):
    """What happens next by itself; absent when nothing does."""

    # When it happens.
    at: str
    # What happens then unless something comes in between. `create`: it ends as `createFailed`, if there is no machine; `ready`: it ends as `notReady`, if it is not ready; `neverConnected`: it ends, if nobody came; `idle`: it ends, if nobody came back; `softLifetime`: it ends, if it is empty; `drained`: it ends, if it is empty; `confirm`: the count is unknown, if the agent gives no answer; `silence`: the count is unknown, if the agent does not report; `lost`: it ends as `lost`, if the agent does not report; `start`: it is stopped or suspended again, if its machine does not run; `retention`: it ends, if nobody started it; one that is suspended is stopped, if nobody resumed it; `forceTimeout`: it ends by force, if its machine is not gone; `maxLifetime`: it ends, whoever uses it.
    kind: Literal["create", "ready", "neverConnected", "idle", "softLifetime", "drained", "confirm", "silence", "lost", "start", "retention", "forceTimeout", "maxLifetime"]
    # Why it comes sooner than the spec says; absent where it does not.
    detail: NotRequired[str]


class VmPendingImage(TypedDict):
    """The image that is being made of its disk, or will be once it is stopped; absent for none."""

    # Id that it will have with its provider.
    imageId: str
    # Its family.
    family: str
    # The name that was asked for; absent where the family gives it one.
    name: NotRequired[str]
    # Whether the VM ends once the image is kept.
    closes: bool


class Vm(TypedDict):
    """A VM: one life of a name, from its create to its confirmed end."""

    # Name of the VM, unique among the live VMs of the project.
    name: str
    # Project of the key that made it.
    project: str
    # One life of the name.
    uid: str
    # Id of the API key that made it; absent for VMs that an earlier version of Ephemera started.
    createdBy: NotRequired[str]
    # Absent until the workflow has made it up.
    machineId: NotRequired[str]
    state: "VmState"
    reason: NotRequired["EndReason"]
    # One sentence more about the reason; while `creating`, `stopping`, `imaging`, `starting`, `suspending`, `resuming` or `destroying`, why the latest try failed.
    detail: NotRequired[str]
    # Whether the count of users is known. `ok`: it is, or nobody counts; `unknown`: the agent of the VM is silent.
    health: Literal["ok", "unknown"]
    # Who makes the machine. `local`: processes on this computer, each with a loopback address of its own; no virtual machines; `qemu`: virtual machines on hosts of your own, with KVM where it works; `gcp`: instances of Google Compute Engine; `ec2`: instances of Amazon EC2; `digitalocean`: droplets of DigitalOcean; `azure`: virtual machines of Microsoft Azure.
    provider: str
    # Zone of the machine, where the provider has zones.
    zone: NotRequired[str]
    # Host that runs the machine, where hosts of ours do.
    host: NotRequired[str]
    # What the VM was made from; absent when its spec was given whole.
    template: NotRequired["VmTemplate"]
    # Where its users connect; absent until the machine has one.
    address: NotRequired["VmAddress"]
    # Users connected. Absent while nobody ever counted.
    connections: NotRequired[int]
    # Whose count that is. `agent`: of the agent in the machine; `others`: of people and programs outside, by `PUT /v1/vms/{name}/connections` or the signal `connections`.
    countedBy: NotRequired[Literal["agent", "others"]]
    # Why the VM is alive now; null when it ends or has ended. `starting`: it is not ready yet; `stopped`: its machine is stopped, and its disk is kept; `suspended`: its machine is suspended, and its memory and its disk are kept; `connections`: somebody is connected; `hold`: a hold keeps it; `confirming`: it is about to end as empty, and its agent is asked once more; `unknown`: its agent is silent, so nobody knows how many use it; `noAgent`: nobody ever counted, so there is no idle rule; `stays`: its `idle.action` is `none`; `firstConnectGrace`: nobody came yet, and there is time left; `idleGrace`: everybody has left, and there is time left; `rollOverGrace`: everybody has left, and it makes room for a newer version of its template in a moment.
    aliveBecause: Union[Literal["starting", "stopped", "suspended", "connections", "hold", "confirming", "unknown", "noAgent", "stays", "firstConnectGrace", "idleGrace", "rollOverGrace"], None]
    # What happens next by itself; absent when nothing does.
    nextDeadline: NotRequired["VmNextDeadline"]
    # Version of its template that serves, where the VM makes room for that as soon as nobody uses it (`rollIdle`); absent where it stays.
    newerVersion: NotRequired[int]
    # What the present machine was when the VM got it, or got it back. `new`: nothing: it was made for the VM; `warm`: it waited in the pool of the template; `drained`: it served this very VM, which was draining and was given to another create; `stopped`: it was stopped, and kept its disk; it was reset where another create than that of its name got it; `image`: its disk began with an image, of a VM that was closed for one; `suspended`: it was suspended, and kept its memory as long as its provider could.
    startedFrom: NotRequired[Literal["new", "warm", "drained", "stopped", "image", "suspended"]]
    # What is kept of the machine while it does not run, and goes with the VM; absent while it runs. `disk`: while it is stopped; `memory` too: while it is suspended.
    keeps: NotRequired[List[Literal["disk", "memory"]]]
    # The image that is being made of its disk, or will be once it is stopped; absent for none.
    pendingImage: NotRequired["VmPendingImage"]
    # There while nothing but a request ends the VM: it has no longest life.
    stays: NotRequired[Literal[True]]
    # Until then a hold keeps the VM though it is empty.
    holdUntil: NotRequired[str]
    # Labels of the VM.
    labels: Dict[str, str]
    # When the VM was asked for.
    createdAt: str
    # When its present machine was ready; absent before.
    readyAt: NotRequired[str]
    # When its machine was seen gone, or was released by force; absent while the VM lives.
    endedAt: NotRequired[str]
    # When something last changed.
    updatedAt: str
    # Workflow of the VM in Temporal.
    workflowId: str
    # Present run of that workflow; a long life has several.
    runId: str
    # The workflow in the Temporal Web UI, where its address is set.
    temporalUiUrl: NotRequired[str]
    spec: "VmSpec"
    # What a person may want to do with it now, as its state, its provider and the role of the key allow. More may be asked: repeats, for one. `drain`: admit nobody new, and let it end with its last user; `undrain`: admit users again; `hold`: keep it though nobody uses it; `setConnections`: say how many use it; `stop`: stop its machine and keep its disk; `start`: start it with its disk; `suspend`: keep its memory too; `resume`: go on where it was; `snapshot`: make an image beside it; `close`: keep its disk as an image, and end it; `destroy`: end it, and destroy its machine.
    can: List[Literal["destroy", "stop", "start", "suspend", "resume", "close", "snapshot", "drain", "undrain", "setConnections", "hold"]]

VmState = Literal["creating", "booting", "running", "draining", "stopping", "stopped", "imaging", "starting", "suspending", "suspended", "resuming", "destroying", "destroyed", "failed"]

EndReason = Literal["requested", "idle", "neverConnected", "maxLifetime", "softLifetime", "drained", "createFailed", "notReady", "lost", "preempted", "cancelled", "closed"]


class VmSpecTemplate1(TypedDict):
    # Name of the template.
    name: str
    # Its version when the VM was made.
    version: int


class VmSpecPorts(TypedDict):
    # Name of the port, unique in the VM.
    name: str
    # Port in the machine, and at its address.
    port: int
    # What the port takes. `tcp`: connections; `udp`: datagrams, where the provider can.
    protocol: Literal["tcp", "udp"]


class VmSpecReadiness(TypedDict):
    """When the VM counts as ready."""

    # When the VM counts as ready. `agent`: the agent in the machine says so; `http`: a GET of `path` on `port` answers 2xx or 3xx; `tcp`: `port` takes a connection; `machine`: the machine runs.
    kind: Literal["agent", "http", "tcp", "machine"]
    # TCP port that is asked, with `http` and `tcp`. Else null.
    port: Union[int, None]
    # Path that is asked, with `http`. Else null.
    path: Union[str, None]
    # The VM ends as `notReady` when it is not ready this long after its machine was made.
    timeoutSeconds: int


class VmSpecIdle(TypedDict):
    """When nobody uses the VM any more."""

    # The VM ends when nobody has been connected for this long after use.
    timeoutSeconds: int
    # The VM ends when it has been ready for this long and nobody ever connected.
    firstConnectTimeoutSeconds: int
    # When the agent has not reported for this long its count is unknown and the provider is asked whether the machine runs; after as long again the VM ends as `lost`.
    silenceTimeoutSeconds: int
    # What follows then, and when a drain is through. `destroy`: the VM ends and its machine is removed; `stop`: its machine is stopped and keeps its disk, until somebody starts it or asks for its name; `suspend`: its memory is kept too, where the provider can; it is stopped where it cannot be suspended; `close`: it is kept as an image, where the provider can; `none`: nothing: it stays, empty or not.
    action: Literal["destroy", "stop", "suspend", "close", "none"]
    # A stopped VM ends when nobody has started it for this long; one that is suspended is stopped then. Absent: at the end of `maxLifetimeSeconds`, which counts in any case.
    retentionSeconds: NotRequired[int]


class VmSpecStartFrom(TypedDict):
    """The image of a closed or snapshotted VM that its disk begins with; absent: the disk of `image`."""

    # Id of the image, as its provider knows it.
    imageId: str
    # The host that has the image, and alone can start from it; null in a cloud.
    host: Union[str, None]
    # Names the session through all of its closes and reopens; absent where an earlier version made the image.
    session: NotRequired[str]


class VmSpecSealed(TypedDict):
    """Which secret variables there are and whether there is a startup script; never what is in them."""

    # Names of the variables of `secretEnv`.
    secretEnvNames: List[str]
    # Whether there is a startup script.
    startupScript: bool


class VmSpec(TypedDict):
    """The whole spec with every default filled in."""

    # What the spec was taken from; null when it was given whole.
    template: Union["VmSpecTemplate1", None]
    # Who makes the machine. `local`: processes on this computer, each with a loopback address of its own; no virtual machines; `qemu`: virtual machines on hosts of your own, with KVM where it works; `gcp`: instances of Google Compute Engine; `ec2`: instances of Amazon EC2; `digitalocean`: droplets of DigitalOcean; `azure`: virtual machines of Microsoft Azure.
    provider: Literal["local", "qemu", "gcp", "ec2", "digitalocean", "azure"]
    # What the machine boots: a name that the provider knows.
    image: str
    # What the VM is for, in words for people. Absent: none.
    description: NotRequired[str]
    # Zones of the provider, or of our own hosts, tried in this order. Empty: those of the deployment, where there are any.
    zones: List[str]
    # Labels that the host of the machine must have, where hosts of ours run machines. Absent: any host.
    hostSelector: NotRequired[Dict[str, str]]
    # Virtual processors. Not enforced on `local`, whose machines are processes of the host and may use all of it.
    cpus: int
    # Memory in MiB. Not enforced on `local`, whose machines are processes of the host and may use all of it.
    memoryMb: int
    # Size of the disk in GiB. Null: as big as the image.
    diskGb: Union[int, None]
    # A machine type of the provider, instead of `cpus` and `memoryMb`. Null: chosen by `cpus` and `memoryMb`.
    machineType: Union[str, None]
    # A network or subnetwork of the provider. Null: the first one that the deployment allows.
    network: Union[str, None]
    # Whether the machine has an address on the internet.
    externalIp: bool
    # Whether the provider may take the machine back at any time, for a lower price.
    spot: bool
    # What the machine may reach. True: the internet. A list, where the provider can: what its rules name, as `443/tcp`, `27000-27100/udp`, `192.0.2.0/24` or `198.51.100.7/32:8080/tcp` (docs/networking.md).
    egress: Union[bool, List[str]]
    # Yours to find VMs by: `?label=key=value`.
    labels: Dict[str, str]
    # Environment of the app in the machine. Everybody who reads the VM reads it: secrets belong into `secretEnv`.
    env: Dict[str, str]
    # What cloud-init in the machine does at its first boot, where the image has cloud-init: a `#cloud-config`, or a script that begins with `#!`. Everybody who reads the VM reads it, and so does whoever is in the machine: secrets belong into `secretEnv`. Absent: nothing.
    userData: NotRequired[str]
    # Ports that the app listens on. Names and port/protocol pairs are unique.
    ports: List["VmSpecPorts"]
    # When the VM counts as ready.
    readiness: "VmSpecReadiness"
    # When nobody uses the VM any more.
    idle: "VmSpecIdle"
    # From this age on the VM ends as soon as it is empty. Null: never.
    softLifetimeSeconds: Union[int, None]
    # At this age the VM ends, whoever uses it. Null: never; it stays until it is destroyed, which needs `idle.action` `none`.
    maxLifetimeSeconds: Union[int, None]
    # What follows when the machine is lost. `destroy`: the VM ends as `lost` or `preempted`; `recreate`: it gets a new machine under its name, at most five times.
    onLost: Literal["destroy", "recreate"]
    # Which ways in through the agent are open to holders of keys: `ports` to connect to its TCP ports, `exec` to run commands, `files` to read and write files. An empty list shuts all. Absent: all of them.
    remoteAccess: NotRequired[List[Literal["ports", "exec", "files"]]]
    # The image of a closed or snapshotted VM that its disk begins with; absent: the disk of `image`.
    startFrom: NotRequired["VmSpecStartFrom"]
    # Which secret variables there are and whether there is a startup script; never what is in them.
    sealed: NotRequired["VmSpecSealed"]


class RequestResultVm1(TypedDict):
    # Its name: another one where a create without a name got a VM that was there.
    name: str
    # The life of the name.
    uid: str
    # Its state when the request was done.
    state: str


class RequestResultImage(TypedDict):
    """The image that a snapshot made; absent for what makes none."""

    # Its name in the project.
    name: str
    # As its provider knows it.
    imageId: str


class RequestResult(TypedDict):
    """What came of it, once it is done."""

    # Status that the request would have been answered with at once.
    status: int
    # The VM that it was about.
    vm: Union["RequestResultVm1", None]
    # The image that a snapshot made; absent for what makes none.
    image: NotRequired["RequestResultImage"]


class RequestProblem(TypedDict):
    """Why it failed."""

    # `code` of the problem document that it would have been answered with.
    code: str
    # Status that the request would have been answered with at once.
    status: int
    # What the code means.
    title: str
    # What was wrong, and what to do next.
    detail: str


class Request(TypedDict):
    """A request that is done later. It is known for 24 hours after its end, the last 20 of each name."""

    # Its id: the last part of the Location header.
    id: str
    # The name that it is for: requests for one name are done in the order in which they were accepted.
    name: str
    # The project of the key that asked.
    project: str
    # What is done: an `operationId` of this document.
    operation: str
    # How far it is. `queued`: it waits for its turn, or for what it needs; `running`: it is being done; `done`: it did what it asked for; `result` has the VM; `failed`: it did not; `problem` says why; `cancelled`: somebody took it back before it was begun.
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    # Id of the API key that asked.
    createdBy: str
    # Requests for the same name that are done before; absent once it is begun.
    position: NotRequired[int]
    # Why its latest try was put off: a code, and what it means.
    waitsFor: NotRequired[str]
    # When it was accepted.
    acceptedAt: str
    # It fails as `requestExpired` when it was not begun by then.
    expiresAt: str
    # When it was begun; absent before.
    startedAt: NotRequired[str]
    # When it was done, failed or cancelled; absent before.
    endedAt: NotRequired[str]
    # What came of it, once it is done.
    result: NotRequired["RequestResult"]
    # Why it failed.
    problem: NotRequired["RequestProblem"]


class ProblemFields(TypedDict):
    # The field: `body.spec.cpus`.
    field: str
    # What is wrong with it.
    problem: str


class Problem(TypedDict):
    """RFC 9457 problem details."""

    # Where the code is explained.
    type: str
    # What the code means, the same for every answer with it.
    title: str
    # The HTTP status of the answer.
    status: int
    # What was wrong, and what to do next.
    detail: str
    # What programs tell problems apart by. Each is explained at /docs/errors.
    code: Literal["malformedBody", "bodyTooLarge", "unsupportedMediaType", "invalidRequest", "contradictoryTimeouts", "unsupportedOption", "optionNotAllowed", "insecureTransport", "unknownProvider", "unknownTemplate", "unknownTemplateVersion", "noMatchingHost", "unauthenticated", "sessionRefused", "forbidden", "tokenRefused", "hostAway", "hostKeyMismatch", "joinTokenInvalid", "joinTokenOfOtherDeployment", "joinTokenExpired", "joinTokenUsed", "notFound", "methodNotAllowed", "unknownVm", "templateNotFound", "tooManyTemplates", "builtInTemplate", "hostNotFound", "hostInUse", "consoleUnavailable", "unknownPort", "noHostName", "upgradeRequired", "remoteAccessOff", "streamsUnsupported", "tooManyStreams", "streamLost", "portRefused", "execFailed", "ttyUnavailable", "fileNotFound", "fileRefused", "specConflict", "nameTaken", "vmEnding", "otherLife", "idempotencyConflict", "actionNotAllowed", "unsupportedAction", "vmInUse", "neverClosed", "vmLive", "sessionMismatch", "sessionUnreadable", "imageHostLost", "imageNotFound", "machineImageNotFound", "machineImageInUse", "imageHostAway", "imageNameTaken", "imageInUse", "tooManyImages", "startFailed", "endedBeforeReady", "unknownRequest", "queueFull", "requestExpired", "requestRunning", "requestUnreadable", "notDone", "providerUnavailable", "rateLimited", "tooManyWaits", "webhookTargetRefused", "tooManyWebhooks", "unknownWebhook", "unknownEvent", "tooManyWatchers", "temporalUnavailable", "identityUnavailable", "vmServerMissing", "notReady", "unknownKey", "keyEnded", "lastAdminKey", "keysNotWritable", "auditNotReadable", "pageTokenExpired", "poolNotFound", "poolSilent", "sweepUnavailable", "internal"]
    # Names this request in the logs.
    requestId: str
    # With `invalidRequest`, where the request does not fit its schema: each field to correct.
    fields: NotRequired[List["ProblemFields"]]
    # With `endedBeforeReady`: the VM as it ended. With `vmEnding` and `otherLife`: the VM that has the name.
    vm: NotRequired["Vm"]


class VmList(TypedDict):
    # VMs of the project, oldest first.
    vms: List["Vm"]
    # Absent on the last page.
    nextPageToken: NotRequired[str]


class Hold(TypedDict):
    # How long from now on the VM is kept though it is empty; 0 releases a hold.
    seconds: int


class ConnectionsLease(TypedDict):
    """For programs that may be killed: the count is over after these seconds, and changes nothing where an agent counts. Default: it holds until the next count."""

    # Who counts: the counts of several stand beside each other.
    by: str
    # For how long it holds unless it is sent again.
    seconds: int


class Connections(TypedDict):
    # How many use the VM now; 0 says that the last one has just left.
    connections: int
    # For programs that may be killed: the count is over after these seconds, and changes nothing where an agent counts. Default: it holds until the next count.
    lease: NotRequired["ConnectionsLease"]


class Snapshot(TypedDict):
    # Unique in the project. Default: the family and a number.
    imageName: NotRequired[str]
    # The family that the image belongs to. Default: that of the name of the VM.
    family: NotRequired[str]


class Timeline(TypedDict):
    # What happened, oldest first.
    events: List["TimelineEntry"]


class TimelineEntry(TypedDict):
    # Counts up through one life; never reused.
    number: int
    # When it happened.
    at: str
    # What happened. `state`: the VM came into `state`; `connections`: the count of its users changed; `hold`: a hold began or was released; `health`: its agent fell silent or reports again; `confirming`: its agent is asked before an empty VM ends; `confirmed`: the agent confirmed that nobody is connected; `forced`: an administrator forced its end; `version`: a newer version of its template serves, for which it makes room, or it need not any more.
    kind: Literal["state", "connections", "hold", "health", "confirming", "confirmed", "forced", "version"]
    state: "VmState"
    reason: NotRequired["EndReason"]
    # One sentence more.
    detail: NotRequired[str]
    # The new count, where `kind` is `connections`.
    connections: NotRequired[int]


class Event(TypedDict):
    """One thing that happened to a VM."""

    # `<uid>.<number>`: the same wherever and how often it is told.
    id: str
    # Counts up through one life of a name; in a timeline it has the same number.
    number: int
    kind: "EventKind"
    # When it happened.
    at: str
    # Name of the VM.
    vm: str
    # The life of the name.
    uid: str
    # Template of the VM; absent without one.
    template: NotRequired[str]
    # State of the VM after it. Where the VM is in its life. `creating`: its machine is being made, or waits for room; `booting`: the machine is there and not ready yet; `running`: it is ready and serves its users; `draining`: it admits nobody new, and `idle.action` follows when the last user has left; `stopping`: its machine is being stopped; `stopped`: its machine does not run and keeps its disk; a start or a create of its name brings it back; `imaging`: an image is made of its stopped machine; `pendingImage` says which, and whether it ends with that; `starting`: its stopped machine is being started, or waits for room on its host; `suspending`: its machine is being suspended; `suspended`: its machine does not run and keeps its memory and its disk; a resume or a create of its name brings it back; `resuming`: its suspended machine is being resumed; `destroying`: its machine is being removed; `destroyed`: it has ended as it was meant to, and its machine was seen gone; `failed`: it has ended as nobody meant it to; `reason` and `detail` say why.
    state: "VmState"
    # Why the VM is stopped, ends or has ended; absent before. `requested`: somebody asked for it; `idle`: nobody used it any more for `idle.timeoutSeconds`, or for a moment where a newer version of its template serves and has `rollIdle`; `neverConnected`: nobody came within `idle.firstConnectTimeoutSeconds`; `maxLifetime`: it was `maxLifetimeSeconds` old; `softLifetime`: it was `softLifetimeSeconds` old, and empty; `drained`: it was drained, and the last user has left; `createFailed`: no machine could be made; `notReady`: the machine was not ready within `readiness.timeoutSeconds`, or its startup script failed; `lost`: its machine is gone, or its agent was silent for too long; `preempted`: the provider took the machine back; `cancelled`: its workflow was cancelled in Temporal; `closed`: it was closed, and its disk is kept in an image: a reopen, or a create of its name, brings it back.
    reason: NotRequired[Literal["requested", "idle", "neverConnected", "maxLifetime", "softLifetime", "drained", "createFailed", "notReady", "lost", "preempted", "cancelled", "closed"]]
    # One sentence more.
    detail: NotRequired[str]
    # How many use the VM now, with `vm.connections`.
    connections: NotRequired[int]

EventKind = Literal["vm.creating", "vm.booting", "vm.running", "vm.draining", "vm.stopping", "vm.stopped", "vm.imaging", "vm.starting", "vm.suspending", "vm.suspended", "vm.resuming", "vm.destroying", "vm.destroyed", "vm.failed", "vm.connections", "vm.hold", "vm.health", "vm.confirming", "vm.confirmed", "vm.forced", "vm.version"]


class NewWebhook(TypedDict):
    # Where messages are posted to. Its path may be a secret: it is kept sealed.
    url: str
    # Only these kinds of events. What happened to the VM. `vm.creating`: its machine, or another one in its place, is being made; `vm.booting`: its machine is there and boots; `vm.running`: it is ready, or admits users again; `vm.draining`: it admits nobody new; `vm.stopping`: its machine is being stopped; `vm.stopped`: its machine is stopped and keeps its disk; `vm.imaging`: an image is made of its stopped machine; `vm.starting`: its stopped machine is being started; `vm.suspending`: its machine is being suspended; `vm.suspended`: its machine is suspended and keeps its memory; `vm.resuming`: its suspended machine is being resumed; `vm.destroying`: its machine is being removed; `vm.destroyed`: it has ended as it was meant to; `vm.failed`: it has ended as nobody meant it to; `vm.connections`: the count of its users changed; `vm.hold`: a hold began or is over; `vm.health`: its agent fell silent or reports again; `vm.confirming`: its agent is asked before it ends as empty; `vm.confirmed`: its agent confirmed that nobody is connected; `vm.forced`: an administrator forced its end; `vm.version`: it makes room for a newer version of its template, or need not any more. Default: all.
    kinds: NotRequired[List[Literal["vm.creating", "vm.booting", "vm.running", "vm.draining", "vm.stopping", "vm.stopped", "vm.imaging", "vm.starting", "vm.suspending", "vm.suspended", "vm.resuming", "vm.destroying", "vm.destroyed", "vm.failed", "vm.connections", "vm.hold", "vm.health", "vm.confirming", "vm.confirmed", "vm.forced", "vm.version"]]]
    # Only events of the VM of this name. Default: of all.
    vm: NotRequired[str]
    # Only events of VMs of this template. Default: of all.
    template: NotRequired[str]
    # What it is for. Default: nothing is said.
    description: NotRequired[str]


class CreatedWebhookAttempts(TypedDict):
    # `id` of the event.
    eventId: str
    # Kind of the event; `webhook.test` for a test, `vm.gap` for events that are lost.
    kind: str
    # When it was sent.
    at: str
    # Which try of this message, from 1.
    number: int
    # Whether it was taken: any status from 200 to 299.
    delivered: bool
    # Status of the answer; absent where there was none.
    status: NotRequired[int]
    # What went wrong.
    detail: NotRequired[str]


class CreatedWebhook(TypedDict):
    # What its path and the log of changes call it.
    id: str
    # Where messages go. A viewer sees its host alone.
    url: str
    # Kinds of events that it is told; absent: all. What happened to the VM. `vm.creating`: its machine, or another one in its place, is being made; `vm.booting`: its machine is there and boots; `vm.running`: it is ready, or admits users again; `vm.draining`: it admits nobody new; `vm.stopping`: its machine is being stopped; `vm.stopped`: its machine is stopped and keeps its disk; `vm.imaging`: an image is made of its stopped machine; `vm.starting`: its stopped machine is being started; `vm.suspending`: its machine is being suspended; `vm.suspended`: its machine is suspended and keeps its memory; `vm.resuming`: its suspended machine is being resumed; `vm.destroying`: its machine is being removed; `vm.destroyed`: it has ended as it was meant to; `vm.failed`: it has ended as nobody meant it to; `vm.connections`: the count of its users changed; `vm.hold`: a hold began or is over; `vm.health`: its agent fell silent or reports again; `vm.confirming`: its agent is asked before it ends as empty; `vm.confirmed`: its agent confirmed that nobody is connected; `vm.forced`: an administrator forced its end; `vm.version`: it makes room for a newer version of its template, or need not any more.
    kinds: NotRequired[List["EventKind"]]
    # The VM whose events it is told; absent: all.
    vm: NotRequired[str]
    # The template of whose VMs it is told; absent: all.
    template: NotRequired[str]
    # What it is for.
    description: NotRequired[str]
    # How it goes. `active`: it is told what happens; `failing`: it did not take its last messages; they are sent again; `disabled`: it took nothing for days, or said that it takes nothing any more; it is told nothing until it is enabled.
    state: Literal["active", "failing", "disabled"]
    # Why it fails, or was disabled.
    detail: NotRequired[str]
    # Messages that it is still to get.
    pending: int
    # Since when it took nothing; absent while it takes messages.
    failingSince: NotRequired[str]
    # When it is tried again; absent where nothing waits for a time.
    nextAttemptAt: NotRequired[str]
    # When it was disabled; absent while it is not.
    disabledAt: NotRequired[str]
    # Ends of VMs from before may be missing: no replica of the API was there. Absent: nothing is.
    lostBefore: NotRequired[str]
    # When a message was taken last; absent: never.
    lastDeliveredAt: NotRequired[str]
    # When it was made: it is told what happens from then on.
    createdAt: str
    # Id of the API key that made it.
    createdBy: str
    # The last 20 messages that were sent, the newest first; absent in lists.
    attempts: NotRequired[List["CreatedWebhookAttempts"]]
    # By which its messages are verified. Shown this once.
    secret: str


class WebhookList(TypedDict):
    # Those of the project, the oldest first.
    webhooks: List["Webhook"]


class WebhookAttempts(TypedDict):
    # `id` of the event.
    eventId: str
    # Kind of the event; `webhook.test` for a test, `vm.gap` for events that are lost.
    kind: str
    # When it was sent.
    at: str
    # Which try of this message, from 1.
    number: int
    # Whether it was taken: any status from 200 to 299.
    delivered: bool
    # Status of the answer; absent where there was none.
    status: NotRequired[int]
    # What went wrong.
    detail: NotRequired[str]


class Webhook(TypedDict):
    """An endpoint that is told what happens to the VMs of a project."""

    # What its path and the log of changes call it.
    id: str
    # Where messages go. A viewer sees its host alone.
    url: str
    # Kinds of events that it is told; absent: all. What happened to the VM. `vm.creating`: its machine, or another one in its place, is being made; `vm.booting`: its machine is there and boots; `vm.running`: it is ready, or admits users again; `vm.draining`: it admits nobody new; `vm.stopping`: its machine is being stopped; `vm.stopped`: its machine is stopped and keeps its disk; `vm.imaging`: an image is made of its stopped machine; `vm.starting`: its stopped machine is being started; `vm.suspending`: its machine is being suspended; `vm.suspended`: its machine is suspended and keeps its memory; `vm.resuming`: its suspended machine is being resumed; `vm.destroying`: its machine is being removed; `vm.destroyed`: it has ended as it was meant to; `vm.failed`: it has ended as nobody meant it to; `vm.connections`: the count of its users changed; `vm.hold`: a hold began or is over; `vm.health`: its agent fell silent or reports again; `vm.confirming`: its agent is asked before it ends as empty; `vm.confirmed`: its agent confirmed that nobody is connected; `vm.forced`: an administrator forced its end; `vm.version`: it makes room for a newer version of its template, or need not any more.
    kinds: NotRequired[List["EventKind"]]
    # The VM whose events it is told; absent: all.
    vm: NotRequired[str]
    # The template of whose VMs it is told; absent: all.
    template: NotRequired[str]
    # What it is for.
    description: NotRequired[str]
    # How it goes. `active`: it is told what happens; `failing`: it did not take its last messages; they are sent again; `disabled`: it took nothing for days, or said that it takes nothing any more; it is told nothing until it is enabled.
    state: Literal["active", "failing", "disabled"]
    # Why it fails, or was disabled.
    detail: NotRequired[str]
    # Messages that it is still to get.
    pending: int
    # Since when it took nothing; absent while it takes messages.
    failingSince: NotRequired[str]
    # When it is tried again; absent where nothing waits for a time.
    nextAttemptAt: NotRequired[str]
    # When it was disabled; absent while it is not.
    disabledAt: NotRequired[str]
    # Ends of VMs from before may be missing: no replica of the API was there. Absent: nothing is.
    lostBefore: NotRequired[str]
    # When a message was taken last; absent: never.
    lastDeliveredAt: NotRequired[str]
    # When it was made: it is told what happens from then on.
    createdAt: str
    # Id of the API key that made it.
    createdBy: str
    # The last 20 messages that were sent, the newest first; absent in lists.
    attempts: NotRequired[List["WebhookAttempts"]]


class SentMessage(TypedDict):
    # What is sent: `attempts` of the webhook shows what comes of it.
    eventId: str


class Redelivery(TypedDict):
    # `id` of the event.
    eventId: str


class CreateLink(TypedDict):
    # A TCP port of the VM.
    port: int
    # For how long it opens the VM. Default: 86400, a day.
    expiresInSeconds: NotRequired[int]
    # For whom it is: the program in the VM is told in the header `X-Ephemera-User`. Default: nobody.
    user: NotRequired[str]


class Link(TypedDict):
    # Opens the port in a browser, for whoever has it.
    url: str
    # It opens nothing from then on, nor does a browser that was let in by it.
    expiresAt: str


class RevokedLinks(TypedDict):
    # Links that were made until then open nothing any more.
    revokedUntil: str


class LinkKey(TypedDict):
    # Ed25519, SPKI in base64.
    publicKey: str
    # Whose links it verifies.
    deployment: str
    # Project of the key that asks.
    project: str
    # Links of the project that were made until then were taken back. Absent: nobody took all of them back.
    revokedUntil: NotRequired[str]
    # By the name of a VM: those of its links that were made until then were taken back.
    revokedOfVms: Dict[str, str]


class Exec(TypedDict):
    # The program and its arguments; for a line of shell, `["sh", "-c", "…"]`.
    command: List[str]
    # Variables besides those of the app. Default: none.
    env: NotRequired[Dict[str, str]]
    # Directory it starts in. Default: `/`; of a machine that is a process of its host, the directory of that.
    cwd: NotRequired[str]
    # What it reads. Default: nothing.
    stdin: NotRequired[str]
    # The command is killed after this. Default: 60.
    timeoutSeconds: NotRequired[int]


class ExecResult(TypedDict):
    # Null where a signal ended the command.
    exitCode: Union[int, None]
    # That signal: `SIGKILL`.
    signal: NotRequired[str]
    # Whether it was killed because its time was over.
    timedOut: bool
    # Read as UTF-8.
    stdout: str
    # Read as UTF-8.
    stderr: str
    # Whether it printed more than the 1048576 bytes of each that are here.
    truncated: bool


class FilesWritten(TypedDict):
    # Name of the VM.
    name: str
    # Where the tar was unpacked.
    path: str


class TemplateList(TypedDict):
    """The templates that creates of the project may name."""

    # Those of the project and the built-in ones, by name.
    templates: List["Template"]


class TemplateWarmSchedule(TypedDict):
    # Minute, hour, day of month, month and weekday; with lists, ranges, steps and English names.
    cron: str
    # IANA name of the time zone that `cron` is read in. Default: UTC.
    timezone: NotRequired[str]
    # Machines that wait from then on, whatever the demand.
    min: int
    # Never more machines from then on. Default: `max` of `warm`.
    max: NotRequired[int]


class TemplateWarm(TypedDict):
    """Of the newest version; absent where none wait. `/v1/pools` shows them."""

    # Machines that wait, whatever the demand.
    min: int
    # Never more machines than this, those that are being made included.
    max: int
    # A machine that nobody claimed for so long is replaced.
    ttlSeconds: int
    # Whether nothing is made and nothing waits. Default: false.
    paused: NotRequired[bool]
    # Other limits from certain times on: those of the entry that fired last count until another one fires. Default: none.
    schedule: NotRequired[List["TemplateWarmSchedule"]]


class TemplateHeldBack(TypedDict):
    """Present while the newest version is held back."""

    # The version that is held back: always the newest one.
    version: int
    # Since when.
    since: str
    # Creates in a row that failed.
    failures: int
    # Why the last one of them failed.
    reason: str
    # How it is tried again.
    todo: str


class TemplateVersions(TypedDict):
    # Counts up; never reused.
    version: int
    # What its creates have shown. `unproven`: none of them has been ready yet; `good`: one of them was ready; `heldBack`: several in a row failed and none was ready, so that it serves no creates while another version can.
    state: Literal["unproven", "good", "heldBack"]
    # When it was put; absent for a built-in one.
    createdAt: NotRequired[str]
    # Id of the API key that put it; absent for a built-in one.
    createdBy: NotRequired[str]
    # Its creates in a row that failed, while none was ready; absent for none.
    failures: NotRequired[int]
    # Why the last one of them failed.
    lastFailure: NotRequired[str]


class Template(TypedDict):
    """What creates are made from when they name it."""

    # Name of the template, unique in the project.
    name: str
    # Project of the template.
    project: str
    # The newest version: the one that was put last.
    version: int
    # The version that creates get: the newest one, unless that is held back.
    servingVersion: int
    # True where it comes with Ephemera and nobody has put one of its name.
    builtIn: bool
    # Of the newest version, as it was put.
    spec: "TemplateSpec"
    # Of the newest version; absent where none wait. `/v1/pools` shows them.
    warm: NotRequired["TemplateWarm"]
    # Which VM of the template that is there already a create without a name may get. `none`: none; `empty`: one that drains and has no users, or is stopped; its machine is reset, so nothing of what was in it is left; `shared`: one that drains, with the users that are in it, or one that is stopped, which is reset.
    reuse: Literal["none", "empty", "shared"]
    # Whether VMs of earlier versions make room as soon as this one has been ready: once nobody has used them for 30 s, `idle.action` follows. VMs in use stay, and so do those whose create named the version.
    rollIdle: bool
    # Present while the newest version is held back.
    heldBack: NotRequired["TemplateHeldBack"]
    # The versions that are kept, oldest first.
    versions: List["TemplateVersions"]


class TemplateSpecPorts(TypedDict):
    # Name of the port, unique in the VM.
    name: str
    # Port in the machine, and at its address.
    port: int
    # What the port takes. `tcp`: connections; `udp`: datagrams, where the provider can. Default: `tcp`.
    protocol: NotRequired[Literal["tcp", "udp"]]


class TemplateSpecReadiness(TypedDict):
    """When the VM counts as ready. Default: each field has its own."""

    # When the VM counts as ready. `agent`: the agent in the machine says so; `http`: a GET of `path` on `port` answers 2xx or 3xx; `tcp`: `port` takes a connection; `machine`: the machine runs. Default: `agent`.
    kind: NotRequired[Literal["agent", "http", "tcp", "machine"]]
    # TCP port that is asked, with `http` and `tcp`. Default: the only TCP port.
    port: NotRequired[int]
    # Path that is asked, with `http`. Default: `/`.
    path: NotRequired[str]
    # The VM ends as `notReady` when it is not ready this long after its machine was made. Default: 120.
    timeoutSeconds: NotRequired[int]


class TemplateSpecIdle(TypedDict):
    """When nobody uses the VM any more. Default: each field has its own."""

    # The VM ends when nobody has been connected for this long after use. Default: 300.
    timeoutSeconds: NotRequired[int]
    # The VM ends when it has been ready for this long and nobody ever connected. Default: 600.
    firstConnectTimeoutSeconds: NotRequired[int]
    # When the agent has not reported for this long its count is unknown and the provider is asked whether the machine runs; after as long again the VM ends as `lost`. Default: 300.
    silenceTimeoutSeconds: NotRequired[int]
    # What follows then, and when a drain is through. `destroy`: the VM ends and its machine is removed; `stop`: its machine is stopped and keeps its disk, until somebody starts it or asks for its name; `suspend`: its memory is kept too, where the provider can; it is stopped where it cannot be suspended; `close`: it is kept as an image, where the provider can; `none`: nothing: it stays, empty or not. Default: `destroy`.
    action: NotRequired[Literal["destroy", "stop", "suspend", "close", "none"]]
    # A stopped VM ends when nobody has started it for this long; one that is suspended is stopped then. Default: at the end of `maxLifetimeSeconds`, which counts in any case.
    retentionSeconds: NotRequired[int]


class TemplateSpec(TypedDict):
    """What creates of the template get, unless they say otherwise themselves: the fields of a create, without `name`, `template`, `secretEnv` and `startupScript`; those two are sent with each create."""

    # Who makes the machine. `local`: processes on this computer, each with a loopback address of its own; no virtual machines; `qemu`: virtual machines on hosts of your own, with KVM where it works; `gcp`: instances of Google Compute Engine; `ec2`: instances of Amazon EC2; `digitalocean`: droplets of DigitalOcean; `azure`: virtual machines of Microsoft Azure. Default: the first one of the deployment.
    provider: NotRequired[Literal["local", "qemu", "gcp", "ec2", "digitalocean", "azure"]]
    # What the machine boots: a name that the provider knows. Default: none, so that a request names it.
    image: NotRequired[str]
    # What the VM is for, in words for people. Default: none.
    description: NotRequired[str]
    # Zones of the provider, or of our own hosts, tried in this order. Default: those of the deployment, where there are any.
    zones: NotRequired[List[str]]
    # Labels that the host of the machine must have, where hosts of ours run machines. Default: any host.
    hostSelector: NotRequired[Dict[str, str]]
    # Virtual processors. Not enforced on `local`, whose machines are processes of the host and may use all of it. Default: 1.
    cpus: NotRequired[int]
    # Memory in MiB. Not enforced on `local`, whose machines are processes of the host and may use all of it. Default: 512.
    memoryMb: NotRequired[int]
    # Size of the disk in GiB. Default: as big as the image.
    diskGb: NotRequired[int]
    # A machine type of the provider, instead of `cpus` and `memoryMb`. Default: chosen by `cpus` and `memoryMb`.
    machineType: NotRequired[str]
    # A network or subnetwork of the provider. Default: the first one that the deployment allows.
    network: NotRequired[str]
    # Whether the machine has an address on the internet. Default: false.
    externalIp: NotRequired[bool]
    # Whether the provider may take the machine back at any time, for a lower price. Default: false.
    spot: NotRequired[bool]
    # What the machine may reach. True: the internet. A list, where the provider can: what its rules name, as `443/tcp`, `27000-27100/udp`, `192.0.2.0/24` or `198.51.100.7/32:8080/tcp` (docs/networking.md). Default: `false`, nothing.
    egress: NotRequired[Union[bool, List[str]]]
    # Yours to find VMs by: `?label=key=value`. Default: {}.
    labels: NotRequired[Dict[str, str]]
    # Environment of the app in the machine. Everybody who reads the VM reads it: secrets belong into `secretEnv`. Default: {}.
    env: NotRequired[Dict[str, str]]
    # What cloud-init in the machine does at its first boot, where the image has cloud-init: a `#cloud-config`, or a script that begins with `#!`. Everybody who reads the VM reads it, and so does whoever is in the machine: secrets belong into `secretEnv`. Default: nothing.
    userData: NotRequired[str]
    # Ports that the app listens on. Names and port/protocol pairs are unique. Default: none.
    ports: NotRequired[List["TemplateSpecPorts"]]
    # When the VM counts as ready. Default: each field has its own.
    readiness: NotRequired["TemplateSpecReadiness"]
    # When nobody uses the VM any more. Default: each field has its own.
    idle: NotRequired["TemplateSpecIdle"]
    # From this age on the VM ends as soon as it is empty. Default: never.
    softLifetimeSeconds: NotRequired[int]
    # At this age the VM ends, whoever uses it. Null: never; it stays until it is destroyed, which needs `idle.action` `none`. Default: 86400.
    maxLifetimeSeconds: NotRequired[Union[int, None]]
    # What follows when the machine is lost. `destroy`: the VM ends as `lost` or `preempted`; `recreate`: it gets a new machine under its name, at most five times. Default: `destroy`.
    onLost: NotRequired[Literal["destroy", "recreate"]]
    # Which ways in through the agent are open to holders of keys: `ports` to connect to its TCP ports, `exec` to run commands, `files` to read and write files. An empty list shuts all. Default: all of them.
    remoteAccess: NotRequired[List[Literal["ports", "exec", "files"]]]


class PutTemplateWarmSchedule(TypedDict):
    # Minute, hour, day of month, month and weekday; with lists, ranges, steps and English names.
    cron: str
    # IANA name of the time zone that `cron` is read in. Default: UTC.
    timezone: NotRequired[str]
    # Machines that wait from then on, whatever the demand.
    min: int
    # Never more machines from then on. Default: `max` of `warm`.
    max: NotRequired[int]


class PutTemplateWarm(TypedDict):
    """Machines that are made before anybody asks, where the provider can. Default: none."""

    # Machines that wait, whatever the demand.
    min: int
    # Never more machines than this, those that are being made included.
    max: int
    # A machine that nobody claimed for so long is replaced.
    ttlSeconds: int
    # Whether nothing is made and nothing waits. Default: false.
    paused: NotRequired[bool]
    # Other limits from certain times on: those of the entry that fired last count until another one fires. Default: none.
    schedule: NotRequired[List["PutTemplateWarmSchedule"]]


class PutTemplate(TypedDict):
    spec: "TemplateSpec"
    # Which VM of the template that is there already a create without a name may get. `none`: none; `empty`: one that drains and has no users, or is stopped; its machine is reset, so nothing of what was in it is left; `shared`: one that drains, with the users that are in it, or one that is stopped, which is reset. Default: `none`.
    reuse: NotRequired[Literal["none", "empty", "shared"]]
    # Whether VMs of earlier versions make room as soon as this one has been ready: once nobody has used them for 30 s, `idle.action` follows. VMs in use stay, and so do those whose create named the version. Default: false.
    rollIdle: NotRequired[bool]
    # Machines that are made before anybody asks, where the provider can. Default: none.
    warm: NotRequired["PutTemplateWarm"]


class TemplateAccepted(TypedDict):
    """What was asked is kept; look at the template to see it done."""

    # Name of the template.
    name: str
    # Project of the template.
    project: str


class PoolList(TypedDict):
    """The pools of a project."""

    # Each pool of the project, in the order of their templates.
    pools: List["Pool"]


class PoolNextLimits(TypedDict):
    """When the schedule changes `min` and `max` next, and to what; absent where it does not."""

    # When they change.
    at: str
    # `min` from then on.
    min: int
    # `max` from then on.
    max: int


class Pool(TypedDict):
    """Machines of one template that wait for a VM."""

    # Name of the template whose machines wait.
    template: str
    # Version that new machines are made from; null before the pool knows one.
    version: Union[int, None]
    # Machines that wait whatever the demand; by the schedule, where there is one.
    min: int
    # Never more machines than this, those that are being made included.
    max: int
    # Nothing is made, and nothing waits.
    paused: bool
    # When the schedule changes `min` and `max` next, and to what; absent where it does not.
    nextLimits: NotRequired["PoolNextLimits"]
    # Machines that shall wait now: as many as were claimed within a minute, within the limits.
    desired: int
    # Machines that wait.
    ready: int
    # Machines that are being made.
    inFlight: int
    # Claims that got a machine, since the pool began.
    claimed: int
    # Claims that found none: their VMs were made anew.
    missed: int
    # Machines that never got ready.
    failed: int
    # What the pool waits for; null: for claims.
    waitsFor: Union[str, None]


class PoolHistorySamples(TypedDict):
    # Machines that shall wait now: as many as were claimed within a minute, within the limits.
    desired: int
    # Machines that wait.
    ready: int
    # Machines that are being made.
    inFlight: int
    # Claims that got a machine, since the pool began.
    claimed: int
    # Claims that found none: their VMs were made anew.
    missed: int
    # Machines that never got ready.
    failed: int
    # From then on these are its numbers, until the next sample.
    at: str


class PoolHistory(TypedDict):
    """How the numbers of a pool went."""

    # Name of the template whose pool it is.
    template: str
    # From then on it is known; absent while nothing is.
    since: NotRequired[str]
    # The oldest first; one a minute at most, and none where nothing changed.
    samples: List["PoolHistorySamples"]


class SessionList(TypedDict):
    """The names of a project that were closed."""

    # Those of the project, by name.
    sessions: List["Session"]


class Session(TypedDict):
    """A name that was closed, with what is kept of it."""

    # The name that was closed, and can be reopened.
    name: str
    # The family of its images.
    family: str
    # Name of the image that a reopen takes: its newest one that is ready.
    image: str
    # How many images there are of it.
    images: int
    # What the newest one takes; absent where the provider does not say.
    sizeBytes: NotRequired[int]
    # The host that has it; absent in a cloud.
    host: NotRequired[str]
    # When it was closed last.
    closedAt: str
    # How long ago that was.
    ageSeconds: int
    # Whether a VM of this name lives now: then it can be reopened after its end.
    live: bool


class ImageList(TypedDict):
    """The images of a project."""

    # Those of the project, by family, oldest first.
    images: List["Image"]


class Image(TypedDict):
    """An image of the disk of a VM, which other VMs can start from."""

    # Its name; its id where it was not made, or is not yet.
    name: str
    # As its provider knows it.
    imageId: str
    # The line of images that it belongs to; a VM that is closed has one of its own name.
    family: str
    # What can be done with it. `pending`: it is being made, or will be once its machine is stopped; `ready`: VMs can start from it; `dirty`: a later close has taken its place; `failed`: it was not made; `detail` says why, and nothing is left of it; `deleting`: it is being removed where it is.
    state: Literal["pending", "ready", "dirty", "failed", "deleting"]
    # What it was made for. `close`: its VM was closed; `snapshot`: somebody asked for a snapshot.
    origin: Literal["close", "snapshot"]
    # Name of the VM that it was made from.
    vm: str
    # Its provider; absent where it was not made.
    provider: NotRequired[str]
    # The host that alone has it; absent in a cloud.
    host: NotRequired[str]
    # What it takes; absent where the provider does not say.
    sizeBytes: NotRequired[int]
    # When it was made, asked for, or failed.
    createdAt: str
    # How long ago that was.
    ageSeconds: int
    # Since when a later close has its place; absent while none has.
    dirtySince: NotRequired[str]
    # When it goes by itself, unless a VM that lives began with it; absent where it stays: the last one of a family or session always does.
    deletedAfter: NotRequired[str]
    # Why it was not made.
    detail: NotRequired[str]
    # Names of the live VMs that started from it.
    usedBy: List[str]


class MachineImageList(TypedDict):
    """The machine images of the deployment."""

    # Each image, by name.
    images: List["MachineImage"]


class MachineImageVersionsHosts(TypedDict):
    # Id of the host.
    host: str
    # What it does. `ready`: it takes new VMs; `cordoned`: it takes no new ones; those it has go on; `draining`: it takes no new ones, and those it has end when their users have left; `away`: it does not answer; `lostAt` says until when it may return; `lost`: its machines count as lost.
    state: Literal["ready", "cordoned", "draining", "away", "lost"]
    # How it came there. `registered`: somebody registered it there, and it stays until it is removed; `fetched`: from another host, and it makes room for others when no machine there has it.
    origin: Literal["registered", "fetched"]
    # Machines of that host whose disks lie over it, as it said last.
    machines: int


class MachineImageVersions(TypedDict):
    # The same on every host; `name@version` as the `image` of a VM means this one alone.
    version: str
    # What it is. `qcow2`: a disk image; `container`: made of a container image.
    kind: Literal["qcow2", "container"]
    # Of its content, by which every host that fetches it checks it.
    sha256: str
    # What it takes on a host.
    sizeBytes: int
    # The least disk of a VM of it.
    diskGb: int
    # When it was registered.
    addedAt: str
    # Where it can be had too; absent: only from hosts that have it.
    url: NotRequired[str]
    # The hosts that have it.
    hosts: List["MachineImageVersionsHosts"]


class MachineImage(TypedDict):
    """An image that somebody registered, which machines boot."""

    # What specs name as `image`.
    name: str
    # The provider whose machines boot it.
    provider: str
    # The version that new machines get; those that are there keep theirs.
    latest: str
    # Those that hosts have, the latest first.
    versions: List["MachineImageVersions"]


class HostList(TypedDict):
    """The hosts of the deployment."""

    # Each host, in the order of their ids.
    hosts: List["Host"]


class HostCapacity(TypedDict):
    """What it gives to machines."""

    # Virtual cpus.
    cpus: float
    # Memory in MB.
    memoryMb: float
    # Disk in GB.
    diskGb: float


class HostFree(TypedDict):
    """What is left of that, as it said last."""

    # Virtual cpus.
    cpus: float
    # Memory in MB.
    memoryMb: float
    # Disk in GB.
    diskGb: float


class Host(TypedDict):
    """A computer that runs machines."""

    # Id of the host.
    id: str
    # Zone that it is in; absent where it has none.
    zone: NotRequired[str]
    # What specs choose it by, with `hostSelector`.
    labels: Dict[str, str]
    # What it does. `ready`: it takes new VMs; `cordoned`: it takes no new ones; those it has go on; `draining`: it takes no new ones, and those it has end when their users have left; `away`: it does not answer; `lostAt` says until when it may return; `lost`: its machines count as lost.
    state: Literal["ready", "cordoned", "draining", "away", "lost"]
    # Providers that it runs machines for.
    provider: List[str]
    # What it gives to machines.
    capacity: "HostCapacity"
    # What is left of that, as it said last.
    free: "HostFree"
    # Machines on it, as it said last.
    machines: int
    # Version of Ephemera that it runs.
    version: str
    # When it reported last; of one that is away, when that was noticed.
    lastSeenAt: str
    # When its machines count as lost, where it is away.
    lostAt: NotRequired[str]


class JoinToken(TypedDict):
    # Lets one computer join as a host, once.
    token: str
    # The token is worth nothing from then on.
    expiresAt: str
    # What to type on that computer, in its checkout.
    command: str


class HostJoinEndpoint(TypedDict):
    """Which key its internal endpoint has, and that it has it: its bearer is good for that alone."""

    # SPKI of its P-256 key, in base64.
    publicKey: str
    # By that key, for this token and host id.
    signature: str


class HostJoin(TypedDict):
    # What the host calls itself; unique in the deployment.
    hostId: str
    # Made up by the host once and kept: with it, it may ask again when the answer was lost.
    hostKey: str
    # Which key its internal endpoint has, and that it has it: its bearer is good for that alone.
    endpoint: "HostJoinEndpoint"
    # Whose machines it will run. Default: all of the deployment that run on hosts.
    providers: NotRequired[List[str]]


class HostJoinedTemporalTls(TypedDict):
    """Absent: the server speaks no TLS."""

    # Name in the certificate of the server, if it is another.
    serverName: NotRequired[str]
    # PEM by which the server is known; absent: the authorities of the host.
    serverCa: NotRequired[str]
    # PEM with which the host shows who it is.
    clientCert: NotRequired[str]
    # PEM with the key of that certificate.
    clientKey: NotRequired[str]


class HostJoinedTemporal(TypedDict):
    """Where and how the host reaches Temporal."""

    # `host:port`, as the API reaches it.
    address: str
    # Namespace of the deployment.
    namespace: str
    # Absent: the server speaks no TLS.
    tls: NotRequired["HostJoinedTemporalTls"]
    # API key for Temporal; none of Ephemera.
    apiKey: NotRequired[str]
    # Sent with every call to Temporal.
    headers: NotRequired[Dict[str, str]]

HostJoinedKeys = TypedDict("HostJoinedKeys", {
    "start-signature": str,
    "sealed-input/seal": str,
    "own-bearer": str,
})


class HostJoined(TypedDict):
    """What a host needs, and secret: it is kept by the host alone."""

    # Name of the deployment, in the labels of its machines.
    deployment: str
    # Version of the API.
    version: str
    # Whose machines the host will run.
    providers: List[str]
    # Where machines reach the API.
    apiUrl: str
    # Task queue of the workflows; those of the hosts derive from it.
    controlTaskQueue: str
    # After this long without its lease a host counts as lost, and stops its machines before.
    hostLostSeconds: int
    # Where and how the host reaches Temporal.
    temporal: "HostJoinedTemporal"
    # Derived from the deployment's secret, in hex; the secret itself stays with the API.
    keys: "HostJoinedKeys"


class AgentExchange(TypedDict):
    # The one-time bootstrap secret, or the proof of an instance of a cloud.
    secret: str
    # Made up by the agent once, so that a lost reply can be asked for again.
    nonce: str


class AgentExchangeReply(TypedDict):
    # Report token: the bearer of `POST /v1/agent/report`.
    token: str
    # When to report again if nothing happens before.
    nextReportSeconds: int


class AgentReport(TypedDict):
    # Grows with every report of a machine, across restarts of its agent.
    sequence: int
    # Users connected now.
    connections: int
    # Whether the app answers.
    ready: bool
    # How long the count has been the same.
    calmMs: float
    # `forwarded` of the answer before; null at first.
    forwarded: Union["ForwardedState", None]
    # `confirm` of the answer before, if it had one: the count was taken since. Default: it answers no question.
    answers: NotRequired[str]
    assigned: NotRequired["AssignmentState"]


class ForwardedState(TypedDict):
    # Sequence of the report that was forwarded last.
    sequence: int
    # The count in it.
    connections: int
    # How long ago that was.
    ageMs: float
    # Changes of the count that may still be forwarded.
    tokens: float
    # Times that the leaving of the last user may still be forwarded. Default: all of them.
    edgeTokens: NotRequired[float]


class AssignmentState1(TypedDict):
    # What became of the assignment. `underway`: its startup script runs; `done`: it was carried out; `failed`: its startup script failed.
    state: Literal["underway", "done"]


class AssignmentState2End(TypedDict):
    """How the startup script ended."""

    # Null when the script did not end by itself.
    exitCode: Union[int, None]
    # Why the script ended. `exited`: by itself, with `exitCode`; `timedOut`: it took too long and was killed; `killed`: something else killed it; `unstartable`: its interpreter is not there; `interrupted`: the agent ended while it ran.
    cause: Literal["exited", "timedOut", "killed", "unstartable", "interrupted"]


class AssignmentState2(TypedDict):
    # What became of the assignment. `underway`: its startup script runs; `done`: it was carried out; `failed`: its startup script failed.
    state: Literal["failed"]
    # How the startup script ended.
    end: "AssignmentState2End"

AssignmentState = Union["AssignmentState1", "AssignmentState2"]


class AgentReportReply(TypedDict):
    # When to report again if nothing happens before.
    nextReportSeconds: int
    # To be sent with the next report: no replica remembers it.
    forwarded: Union["ForwardedState", None]
    # Whether the app should admit nobody new.
    draining: bool
    # A question that waits for a fresh count: name it in the next `answers`.
    confirm: NotRequired[str]
    # A newer report token, to be used from now on.
    token: NotRequired[str]
    assignment: NotRequired["Assignment"]
    # Id of the machine, where it said before that it has its sealed input: it is not given again.
    assignedBefore: NotRequired[str]
    # The API wants `GET /v1/agent/link`, through which it reaches programs of the machine. Default: false.
    streams: NotRequired[bool]
    # The machine waits in a pool: report on; a 401 means that it has its VM, or has ended. Default: false.
    waits: NotRequired[bool]


class Assignment(TypedDict):
    """For a machine with sealed input, until its reports say that it has it."""

    # The machine that it is for.
    machineId: str
    # Name of its VM.
    name: str
    # Project of its VM.
    project: str
    # Environment of the app.
    env: Dict[str, str]
    # Secret environment of the app.
    secretEnv: Dict[str, str]
    # Runs once before the app lets anybody in; null: there is none.
    startupScript: Union[str, None]
    # How long the script may take.
    timeoutSeconds: float


class SignIn(TypedDict):
    # An API key.
    key: str


class SignedIn(TypedDict):
    """A session of a browser, whose other half is a cookie."""

    # Project of the key.
    project: str
    # Role of the key. `viewer`: looks; `operator`: also makes and changes VMs, templates and images of the project; `admin`: also changes what concerns the whole deployment.
    role: Literal["viewer", "operator", "admin"]
    # Id of the key.
    keyId: str
    # When the session ends; sooner if its key does.
    expiresAt: str
    # For the header `X-Ephemera-Session` of each request of the page that signed in.
    proof: str


class BrowserSession(TypedDict):
    """Who asks."""

    # Project of the key.
    project: str
    # Role of the key. `viewer`: looks; `operator`: also makes and changes VMs, templates and images of the project; `admin`: also changes what concerns the whole deployment.
    role: Literal["viewer", "operator", "admin"]
    # Id of the key.
    keyId: str
    # When the session ends; absent for a request with a key.
    expiresAt: NotRequired[str]


class SweepSweepsMachines(TypedDict):
    # The machine.
    machineId: str
    # Who made it.
    provider: str
    # Workflow id of its owner; hosts of an earlier version do not say it.
    owner: NotRequired[str]
    # Project of the VM that it was made for; empty where its owner is no VM.
    project: str
    # What people call its owner: the name of a VM.
    vm: str
    # Whose it is. `owned`: its owner runs; `young`: too new to tell; `orphan`: its owner has ended or has another machine: a sweep removes it; `unknown`: its owner could not be asked for this time; it is left alone; `unattributed`: no trace of its owner was found: it is never touched.
    verdict: Literal["owned", "young", "orphan", "unattributed", "unknown"]
    # What was done about it. `none`: nothing, as always in a dry run; `destroyed`: it was removed; `deferred`: the sweep had no time left for it; the next one goes on; `destroyFailed`: it could not be removed; the next sweep tries again.
    action: Literal["none", "destroyed", "destroyFailed", "deferred"]


class SweepSweepsLost(TypedDict):
    # Workflow of the VM whose machine is gone.
    workflowId: str
    # The machine that is gone.
    machineId: str
    # What was done about it. `none`: nothing, as always in a dry run; `notified`: the VM was notified.
    action: Literal["none", "notified"]


class SweepSweeps(TypedDict):
    # When it was looked.
    at: str
    # Nothing was changed.
    dryRun: bool
    # Machines whose VM lives, of all projects.
    owned: int
    # Machines that were found and are not owned.
    machines: List["SweepSweepsMachines"]
    # VMs whose machine is gone.
    lost: List["SweepSweepsLost"]


class Sweep(TypedDict):
    """One report for each provider, or for each host where machines are known to their host alone."""

    # One for each provider.
    sweeps: List["SweepSweeps"]


class SweepRunListRunsReportsMachines(TypedDict):
    # The machine.
    machineId: str
    # Who made it.
    provider: str
    # Workflow id of its owner; hosts of an earlier version do not say it.
    owner: NotRequired[str]
    # Project of the VM that it was made for; empty where its owner is no VM.
    project: str
    # What people call its owner: the name of a VM.
    vm: str
    # Whose it is. `owned`: its owner runs; `young`: too new to tell; `orphan`: its owner has ended or has another machine: a sweep removes it; `unknown`: its owner could not be asked for this time; it is left alone; `unattributed`: no trace of its owner was found: it is never touched.
    verdict: Literal["owned", "young", "orphan", "unattributed", "unknown"]
    # What was done about it. `none`: nothing, as always in a dry run; `destroyed`: it was removed; `deferred`: the sweep had no time left for it; the next one goes on; `destroyFailed`: it could not be removed; the next sweep tries again.
    action: Literal["none", "destroyed", "destroyFailed", "deferred"]


class SweepRunListRunsReportsLost(TypedDict):
    # Workflow of the VM whose machine is gone.
    workflowId: str
    # The machine that is gone.
    machineId: str
    # What was done about it. `none`: nothing, as always in a dry run; `notified`: the VM was notified.
    action: Literal["none", "notified"]


class SweepRunListRunsReports(TypedDict):
    # When it was looked.
    at: str
    # Nothing was changed.
    dryRun: bool
    # Machines whose VM lives, of all projects.
    owned: int
    # Machines that were found and are not owned.
    machines: List["SweepRunListRunsReportsMachines"]
    # VMs whose machine is gone.
    lost: List["SweepRunListRunsReportsLost"]


class SweepRunListRuns(TypedDict):
    # When it began.
    startedAt: str
    # When it ended; absent while it runs.
    endedAt: NotRequired[str]
    # What became of it. `running`: it goes on; `completed`: it is through; `failed`: it could not be done; the next one does its work; `timedOut`: nobody did it in time; `terminated`: somebody has ended it; `cancelled`: somebody has asked it to end.
    state: Literal["running", "completed", "failed", "timedOut", "terminated", "cancelled"]
    # Its workflow.
    workflowId: str
    # The run of that.
    runId: str
    # What it found and did: one for each provider, or for each host; none of hosts that were away.
    reports: List["SweepRunListRunsReports"]


class SweepRunList(TypedDict):
    """The last sweeps, and what each did."""

    # The newest first.
    runs: List["SweepRunListRuns"]


class KeyList(TypedDict):
    """The API keys of the deployment."""

    # Each key of every project, those that have ended too, in the order they were made.
    keys: List["Key"]


class Key(TypedDict):
    """What is kept of an API key; never the key."""

    # Names the key in lists and in the audit log.
    id: str
    # Whose VMs it is for.
    project: str
    # What the key may do. `viewer`: look; `operator`: also create VMs and change them; `admin`: also what concerns the whole deployment, keys among it.
    role: Literal["viewer", "operator", "admin"]
    # What it is for; absent where nobody said it.
    label: NotRequired[str]
    # The end of the key, by which people tell it from others.
    lastFour: NotRequired[str]
    # When it was made.
    createdAt: str
    # From then on it is refused; absent: never.
    expiresAt: NotRequired[str]
    # When it was revoked.
    revokedAt: NotRequired[str]
    # Whether it is accepted. `good`: it is; `expired`: its time is over; `revoked`: somebody has ended it.
    state: Literal["good", "expired", "revoked"]
    # It is the key of this request.
    isCaller: bool


class KeyOrder(TypedDict):
    # Whose VMs the key is for.
    project: str
    # What the key may do. `viewer`: look; `operator`: also create VMs and change them; `admin`: also what concerns the whole deployment, keys among it.
    role: Literal["viewer", "operator", "admin"]
    # What it is for, in lists. Default: none.
    label: NotRequired[str]
    # From then on the key is refused; a time to come. Default: never.
    expiresAt: NotRequired[str]


class MadeKey(TypedDict):
    """A key that was just made."""

    # Names the key in lists and in the audit log.
    id: str
    # Whose VMs it is for.
    project: str
    # What the key may do. `viewer`: look; `operator`: also create VMs and change them; `admin`: also what concerns the whole deployment, keys among it.
    role: Literal["viewer", "operator", "admin"]
    # What it is for; absent where nobody said it.
    label: NotRequired[str]
    # The end of the key, by which people tell it from others.
    lastFour: NotRequired[str]
    # When it was made.
    createdAt: str
    # From then on it is refused; absent: never.
    expiresAt: NotRequired[str]
    # When it was revoked.
    revokedAt: NotRequired[str]
    # Whether it is accepted. `good`: it is; `expired`: its time is over; `revoked`: somebody has ended it.
    state: Literal["good", "expired", "revoked"]
    # It is the key of this request.
    isCaller: bool
    # The key itself. It is in this answer alone, and kept nowhere.
    key: str


class KeyRotation(TypedDict):
    # How long the old key goes on beside the new one. Default: 0, it ends now.
    overlapSeconds: NotRequired[int]
    # From then on the key is refused; a time to come. Default: never.
    expiresAt: NotRequired[str]


class AuditPage(TypedDict):
    """Who did what."""

    # The newest first.
    entries: List["AuditEntry"]
    # Lines that were passed over because they are no entries; 0 unless the file is damaged.
    unreadable: int
    # For the page with what is older; absent on the last one. A page before the last may hold few entries, or none.
    nextPageToken: NotRequired[str]


class AuditEntry(TypedDict):
    """One change, or one attempt to change something."""

    # When it was answered.
    at: str
    # Names the request in the answer and in the log.
    requestId: str
    # Where it came from, or the proxy that it came through.
    remoteAddress: str
    # Who: id of the key; absent where no key of ours was shown.
    keyId: NotRequired[str]
    # Role of that key.
    role: NotRequired[str]
    # Project of that key.
    project: NotRequired[str]
    # What was asked for, as `operationId` of this document has it.
    action: str
    # HTTP method.
    method: str
    # Path as this document has it.
    path: str
    # Name of the VM that it was about; absent where it was about none.
    vm: NotRequired[str]
    # What else it was about, where it was.
    target: NotRequired[Dict[str, Any]]
    # Workflow of the VM.
    workflowId: NotRequired[str]
    # Life of the VM.
    uid: NotRequired[str]
    # Id of the request for later that was done.
    request: NotRequired[str]
    # It was asked for with `force`.
    force: NotRequired[Literal[True]]
    # It was checked alone.
    dryRun: NotRequired[Literal[True]]
    # HTTP status of the answer.
    status: int
    # Why it was refused; absent where it was not.
    code: NotRequired[str]


class Health(TypedDict):
    # Always `ok`.
    status: Literal["ok"]


class ApiReadiness(TypedDict):
    # Always `ready`.
    status: Literal["ready"]
    # Since the list of VMs was last read from Temporal.
    listAgeSeconds: int


class getOpenApiAnswer(TypedDict):
    # The version of OpenAPI.
    openapi: str

class GeneratedCalls:
    """A method for each request of the API; Ephemera of client.py sends them."""

    def _call(
        self, method: str, path: str, query: Mapping[str, Any], headers: Mapping[str, Optional[str]], body: Any, repeatable: bool
    ) -> Any:
        raise NotImplementedError

    def create_vm(self, body: "CreateVm", *, wait: Optional[Literal["ready"]] = None, timeout_seconds: Optional[int] = None, queue_timeout_seconds: Optional[int] = None, prefer: Optional[str] = None, idempotency_key: Optional[str] = None) -> "Vm":
        """Create a VM, or get the one that is there."""
        return self._call(
            "POST", f"/v1/vms", {"wait": wait, "timeoutSeconds": timeout_seconds, "queueTimeoutSeconds": queue_timeout_seconds}, {"Prefer": prefer, "Idempotency-Key": idempotency_key}, body, True
        )

    def list_vms(self, *, state: Optional[List["VmState"]] = None, template: Optional[str] = None, label: Optional[List[str]] = None, in_use: Optional[bool] = None, provider: Optional[str] = None, zone: Optional[str] = None, host: Optional[str] = None, created_by: Optional[str] = None, page_size: Optional[int] = None, page_token: Optional[str] = None, fresh: Optional[bool] = None) -> "VmList":
        """List the VMs of the project."""
        return self._call(
            "GET", f"/v1/vms", {"state": state, "template": template, "label": label, "inUse": in_use, "provider": provider, "zone": zone, "host": host, "createdBy": created_by, "pageSize": page_size, "pageToken": page_token, "fresh": fresh}, {}, None, True
        )

    def get_vm(self, name: str, *, fresh: Optional[bool] = None) -> "Vm":
        """Get a VM."""
        return self._call(
            "GET", f"/v1/vms/{name}", {"fresh": fresh}, {}, None, True
        )

    def destroy_vm(self, name: str, *, wait: Optional[Literal["destroyed"]] = None, uid: Optional[str] = None, force: Optional[bool] = None, timeout_seconds: Optional[int] = None, queue_timeout_seconds: Optional[int] = None, prefer: Optional[str] = None, idempotency_key: Optional[str] = None) -> "Vm":
        """Destroy a VM."""
        return self._call(
            "DELETE", f"/v1/vms/{name}", {"wait": wait, "uid": uid, "force": force, "timeoutSeconds": timeout_seconds, "queueTimeoutSeconds": queue_timeout_seconds}, {"Prefer": prefer, "Idempotency-Key": idempotency_key}, None, True
        )

    def drain_vm(self, name: str) -> "Vm":
        """Admit nobody new, let current users finish, then destroy or stop, as `idle.action` says."""
        return self._call(
            "POST", f"/v1/vms/{name}/drain", {}, {}, None, True
        )

    def undrain_vm(self, name: str) -> "Vm":
        """Take a drain back."""
        return self._call(
            "POST", f"/v1/vms/{name}/undrain", {}, {}, None, True
        )

    def hold_vm(self, name: str, body: "Hold") -> "Vm":
        """Keep an empty VM for some time."""
        return self._call(
            "POST", f"/v1/vms/{name}/hold", {}, {}, body, True
        )

    def set_connections(self, name: str, body: "Connections") -> "Vm":
        """Say how many use a VM, counted elsewhere."""
        return self._call(
            "PUT", f"/v1/vms/{name}/connections", {}, {}, body, True
        )

    def stop_vm(self, name: str, *, force: Optional[bool] = None, queue_timeout_seconds: Optional[int] = None, prefer: Optional[str] = None, idempotency_key: Optional[str] = None) -> "Vm":
        """Stop the machine and keep its disk."""
        return self._call(
            "POST", f"/v1/vms/{name}/stop", {"force": force, "queueTimeoutSeconds": queue_timeout_seconds}, {"Prefer": prefer, "Idempotency-Key": idempotency_key}, None, True
        )

    def start_vm(self, name: str, *, wait: Optional[Literal["ready"]] = None, timeout_seconds: Optional[int] = None, queue_timeout_seconds: Optional[int] = None, prefer: Optional[str] = None, idempotency_key: Optional[str] = None) -> "Vm":
        """Start a stopped VM again."""
        return self._call(
            "POST", f"/v1/vms/{name}/start", {"wait": wait, "timeoutSeconds": timeout_seconds, "queueTimeoutSeconds": queue_timeout_seconds}, {"Prefer": prefer, "Idempotency-Key": idempotency_key}, None, True
        )

    def close_vm(self, name: str, *, force: Optional[bool] = None, queue_timeout_seconds: Optional[int] = None, prefer: Optional[str] = None, idempotency_key: Optional[str] = None) -> "Vm":
        """Keep the disk of a VM in an image, and end it."""
        return self._call(
            "POST", f"/v1/vms/{name}/close", {"force": force, "queueTimeoutSeconds": queue_timeout_seconds}, {"Prefer": prefer, "Idempotency-Key": idempotency_key}, None, False
        )

    def reopen_vm(self, name: str, *, wait: Optional[Literal["ready"]] = None, timeout_seconds: Optional[int] = None, queue_timeout_seconds: Optional[int] = None, prefer: Optional[str] = None, idempotency_key: Optional[str] = None) -> "Vm":
        """Bring back a VM that was closed, by its name alone."""
        return self._call(
            "POST", f"/v1/vms/{name}/reopen", {"wait": wait, "timeoutSeconds": timeout_seconds, "queueTimeoutSeconds": queue_timeout_seconds}, {"Prefer": prefer, "Idempotency-Key": idempotency_key}, None, True
        )

    def snapshot_vm(self, name: str, body: "Snapshot", *, force: Optional[bool] = None, queue_timeout_seconds: Optional[int] = None, prefer: Optional[str] = None, idempotency_key: Optional[str] = None) -> "Vm":
        """Make an image of the disk of a VM, which goes on."""
        return self._call(
            "POST", f"/v1/vms/{name}/snapshot", {"force": force, "queueTimeoutSeconds": queue_timeout_seconds}, {"Prefer": prefer, "Idempotency-Key": idempotency_key}, body, False
        )

    def suspend_vm(self, name: str, *, force: Optional[bool] = None, queue_timeout_seconds: Optional[int] = None, prefer: Optional[str] = None, idempotency_key: Optional[str] = None) -> "Vm":
        """Suspend the machine and keep its memory."""
        return self._call(
            "POST", f"/v1/vms/{name}/suspend", {"force": force, "queueTimeoutSeconds": queue_timeout_seconds}, {"Prefer": prefer, "Idempotency-Key": idempotency_key}, None, True
        )

    def resume_vm(self, name: str, *, wait: Optional[Literal["ready"]] = None, timeout_seconds: Optional[int] = None, queue_timeout_seconds: Optional[int] = None, prefer: Optional[str] = None, idempotency_key: Optional[str] = None) -> "Vm":
        """Resume a suspended VM."""
        return self._call(
            "POST", f"/v1/vms/{name}/resume", {"wait": wait, "timeoutSeconds": timeout_seconds, "queueTimeoutSeconds": queue_timeout_seconds}, {"Prefer": prefer, "Idempotency-Key": idempotency_key}, None, True
        )

    def get_request(self, id: str) -> "Request":
        """Look at a request that is done later."""
        return self._call(
            "GET", f"/v1/requests/{id}", {}, {}, None, True
        )

    def cancel_request(self, id: str) -> "Request":
        """Take back a request that waits."""
        return self._call(
            "DELETE", f"/v1/requests/{id}", {}, {}, None, True
        )

    def get_timeline(self, name: str) -> "Timeline":
        """What happened to a VM, and why."""
        return self._call(
            "GET", f"/v1/vms/{name}/timeline", {}, {}, None, True
        )

    def get_console(self, name: str, *, raw: Optional[bool] = None) -> str:
        """The last console output of the machine."""
        return self._call(
            "GET", f"/v1/vms/{name}/console", {"raw": raw}, {}, None, True
        )

    def create_webhook(self, body: "NewWebhook") -> "CreatedWebhook":
        """Have an endpoint told what happens."""
        return self._call(
            "POST", f"/v1/webhooks", {}, {}, body, False
        )

    def list_webhooks(self) -> "WebhookList":
        """List the webhooks of the project."""
        return self._call(
            "GET", f"/v1/webhooks", {}, {}, None, True
        )

    def get_webhook(self, id: str) -> "Webhook":
        """Look at a webhook and its last messages."""
        return self._call(
            "GET", f"/v1/webhooks/{id}", {}, {}, None, True
        )

    def delete_webhook(self, id: str) -> Any:
        """Tell an endpoint nothing more."""
        return self._call(
            "DELETE", f"/v1/webhooks/{id}", {}, {}, None, True
        )

    def enable_webhook(self, id: str) -> "Webhook":
        """Go on with a webhook that was disabled."""
        return self._call(
            "POST", f"/v1/webhooks/{id}/enable", {}, {}, None, True
        )

    def test_webhook(self, id: str) -> "SentMessage":
        """Send a message that says nothing but that it comes."""
        return self._call(
            "POST", f"/v1/webhooks/{id}/test", {}, {}, None, False
        )

    def redeliver_event(self, id: str, body: "Redelivery") -> "SentMessage":
        """Send an event again."""
        return self._call(
            "POST", f"/v1/webhooks/{id}/redeliver", {}, {}, body, False
        )

    def create_link(self, name: str, body: "CreateLink") -> "Link":
        """Make a link that opens a port of a VM in a browser."""
        return self._call(
            "POST", f"/v1/vms/{name}/links", {}, {}, body, False
        )

    def revoke_links(self) -> "RevokedLinks":
        """Take back all links of the project."""
        return self._call(
            "POST", f"/v1/links/revoke", {}, {}, None, False
        )

    def revoke_vm_links(self, name: str) -> "RevokedLinks":
        """Take back all links of a VM."""
        return self._call(
            "POST", f"/v1/vms/{name}/links/revoke", {}, {}, None, False
        )

    def get_link_key(self) -> "LinkKey":
        """The key with which gateways verify links."""
        return self._call(
            "GET", f"/v1/links/key", {}, {}, None, True
        )

    def run_command(self, name: str, body: "Exec", *, counts_as_connection: Optional[bool] = None) -> "ExecResult":
        """Run a command in a VM and wait for its end."""
        return self._call(
            "POST", f"/v1/vms/{name}/exec", {"countsAsConnection": counts_as_connection}, {}, body, False
        )

    def list_templates(self) -> "TemplateList":
        """The templates that creates may name."""
        return self._call(
            "GET", f"/v1/templates", {}, {}, None, True
        )

    def get_template(self, name: str) -> "Template":
        """A template, its versions and what their creates have shown."""
        return self._call(
            "GET", f"/v1/templates/{name}", {}, {}, None, True
        )

    def put_template(self, name: str, body: "PutTemplate", *, dry_run: Optional[bool] = None) -> Union["Template", "TemplateAccepted"]:
        """Put a template, as a new version unless it is as the newest one."""
        return self._call(
            "PUT", f"/v1/templates/{name}", {"dryRun": dry_run}, {}, body, True
        )

    def delete_template(self, name: str) -> "TemplateAccepted":
        """Delete a template."""
        return self._call(
            "DELETE", f"/v1/templates/{name}", {}, {}, None, True
        )

    def list_pools(self) -> "PoolList":
        """The warm machines of each template."""
        return self._call(
            "GET", f"/v1/pools", {}, {}, None, True
        )

    def get_pool_history(self, template: str) -> "PoolHistory":
        """How the warm machines of a template went."""
        return self._call(
            "GET", f"/v1/pools/{template}/history", {}, {}, None, True
        )

    def list_sessions(self) -> "SessionList":
        """The names that were closed and can be reopened."""
        return self._call(
            "GET", f"/v1/sessions", {}, {}, None, True
        )

    def list_images(self) -> "ImageList":
        """The images that VMs were closed into, and snapshots."""
        return self._call(
            "GET", f"/v1/images", {}, {}, None, True
        )

    def delete_image(self, name: str) -> "Image":
        """Delete an image."""
        return self._call(
            "DELETE", f"/v1/images/{name}", {}, {}, None, True
        )

    def list_machine_images(self) -> "MachineImageList":
        """The images that machines of own hosts boot."""
        return self._call(
            "GET", f"/v1/machine-images", {}, {}, None, True
        )

    def get_machine_image(self, name: str) -> "MachineImage":
        """One machine image, with its versions and the hosts that have them."""
        return self._call(
            "GET", f"/v1/machine-images/{name}", {}, {}, None, True
        )

    def delete_machine_image(self, name: str) -> "MachineImage":
        """Remove every version of a machine image from every host."""
        return self._call(
            "DELETE", f"/v1/machine-images/{name}", {}, {}, None, True
        )

    def list_hosts(self) -> "HostList":
        """The hosts of the deployment."""
        return self._call(
            "GET", f"/v1/hosts", {}, {}, None, True
        )

    def create_join_token(self) -> "JoinToken":
        """Make a token with which a computer joins as a host."""
        return self._call(
            "POST", f"/v1/hosts/join-tokens", {}, {}, None, False
        )

    def join_host(self, body: "HostJoin") -> "HostJoined":
        """Join as a host."""
        return self._call(
            "POST", f"/v1/hosts/join", {}, {}, body, False
        )

    def cordon_host(self, id: str) -> "Host":
        """Give a host no new VMs."""
        return self._call(
            "POST", f"/v1/hosts/{id}/cordon", {}, {}, None, True
        )

    def uncordon_host(self, id: str) -> "Host":
        """Take a cordon or a drain of a host back."""
        return self._call(
            "POST", f"/v1/hosts/{id}/uncordon", {}, {}, None, True
        )

    def drain_host(self, id: str) -> "Host":
        """Cordon a host and drain its VMs."""
        return self._call(
            "POST", f"/v1/hosts/{id}/drain", {}, {}, None, True
        )

    def remove_host(self, id: str) -> "Host":
        """Take a host out of the registry."""
        return self._call(
            "DELETE", f"/v1/hosts/{id}", {}, {}, None, True
        )

    def exchange_agent_secret(self, body: "AgentExchange") -> "AgentExchangeReply":
        """Exchange a bootstrap secret for a report token."""
        return self._call(
            "POST", f"/v1/agent/exchange", {}, {}, body, False
        )

    def report_usage(self, body: "AgentReport") -> "AgentReportReply":
        """Report a machine's connection count."""
        return self._call(
            "POST", f"/v1/agent/report", {}, {}, body, False
        )

    def open_agent_link(self) -> Any:
        """Carry streams into a machine."""
        return self._call(
            "GET", f"/v1/agent/link", {}, {}, None, True
        )

    def get_datasource_file(self, machine_id: str, token: str, file: str) -> Any:
        """A file of cloud-init's NoCloud datasource."""
        return self._call(
            "GET", f"/v1/datasource/{machine_id}/{token}/{file}", {}, {}, None, True
        )

    def get_vm_server(self) -> str:
        """The program that runs in machines: agent and sample chat."""
        return self._call(
            "GET", f"/v1/agent/vm-server.cjs", {}, {}, None, True
        )

    def sign_in(self, body: "SignIn") -> "SignedIn":
        """Sign in to the dashboard with an API key."""
        return self._call(
            "POST", f"/v1/browser-session", {}, {}, body, False
        )

    def get_browser_session(self) -> "BrowserSession":
        """Who is signed in."""
        return self._call(
            "GET", f"/v1/browser-session", {}, {}, None, True
        )

    def sign_out(self) -> Any:
        """Sign out of the dashboard."""
        return self._call(
            "DELETE", f"/v1/browser-session", {}, {}, None, True
        )

    def dry_sweep(self) -> "Sweep":
        """What a sweep would do now."""
        return self._call(
            "GET", f"/v1/sweep", {}, {}, None, True
        )

    def list_sweep_runs(self, *, limit: Optional[int] = None) -> "SweepRunList":
        """What the last sweeps found and did."""
        return self._call(
            "GET", f"/v1/sweep/findings", {"limit": limit}, {}, None, True
        )

    def list_keys(self) -> "KeyList":
        """The API keys of every project."""
        return self._call(
            "GET", f"/v1/keys", {}, {}, None, True
        )

    def create_key(self, body: "KeyOrder") -> "MadeKey":
        """Make an API key."""
        return self._call(
            "POST", f"/v1/keys", {}, {}, body, False
        )

    def rotate_key(self, id: str, body: "KeyRotation") -> "MadeKey":
        """Replace an API key by a new one."""
        return self._call(
            "POST", f"/v1/keys/{id}/rotate", {}, {}, body, False
        )

    def revoke_key(self, id: str, *, force: Optional[bool] = None) -> "Key":
        """Revoke an API key."""
        return self._call(
            "DELETE", f"/v1/keys/{id}", {"force": force}, {}, None, True
        )

    def list_audit(self, *, since: Optional[str] = None, until: Optional[str] = None, project: Optional[str] = None, action: Optional[str] = None, key_id: Optional[str] = None, vm: Optional[str] = None, page_size: Optional[int] = None, page_token: Optional[str] = None) -> "AuditPage":
        """Who changed what, and who tried to."""
        return self._call(
            "GET", f"/v1/audit", {"since": since, "until": until, "project": project, "action": action, "keyId": key_id, "vm": vm, "pageSize": page_size, "pageToken": page_token}, {}, None, True
        )

    def get_health(self) -> "Health":
        """The process answers."""
        return self._call(
            "GET", f"/healthz", {}, {}, None, True
        )

    def get_readiness(self) -> "ApiReadiness":
        """The list of VMs was read and requests can be served."""
        return self._call(
            "GET", f"/readyz", {}, {}, None, True
        )

    def get_open_api(self) -> "getOpenApiAnswer":
        """This description as OpenAPI 3.1."""
        return self._call(
            "GET", f"/openapi.json", {}, {}, None, True
        )

    def get_docs(self) -> str:
        """This description as a page."""
        return self._call(
            "GET", f"/docs", {}, {}, None, True
        )

    def get_error_docs(self) -> str:
        """Every error code, what it means and what to do."""
        return self._call(
            "GET", f"/docs/errors", {}, {}, None, True
        )
