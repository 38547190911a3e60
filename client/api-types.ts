/** Generated from docs/openapi.json by dev/generate-docs.ts. */
export interface paths {
  '/v1/vms': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * List the VMs of the project
     * @description Oldest first. VMs that have ended are shown only when `state` asks for them. A page is read from memory that follows Temporal within about a second; it is answered also while Temporal is away.
     */
    get: operations['listVms'];
    put?: never;
    /**
     * Create a VM, or get the one that is there
     * @description With a `name` this is get-or-create: an equal request gets the live VM of that name, one with another spec a 409. With `?wait=ready`, 201 and 200 mean that the VM is ready; 202 that it was not within the time; and 409 `endedBeforeReady`, with the VM in `vm`, that it ended before it was ready.
     *
     *     A VM that is being destroyed is no answer: the request waits until its machine is gone and starts the next life of the name, whatever the spec of the earlier one; at most `timeoutSeconds` with `?wait=ready`, 5 s without. Then it answers 409 `vmEnding`, with that VM in `vm`, and has made nothing. A VM that drains still lives, and so does one whose lost machine is being replaced. A request that repeats the create of a VM by its Idempotency-Key is answered with that VM, whatever became of it: nothing is made twice.
     *
     *     A VM of the name that is stopped is started again, with its disk: 200, with `startedFrom: stopped`. With `?wait=ready` a start that fails is 409 `startFailed`, and the VM is stopped as before.
     *
     *     A create without a name that says nothing but its template may get a VM of it that drains or is stopped, where the template has `reuse`: 200, with `startedFrom: drained` or `stopped`. What somebody had before is reset first, except where VMs that drain are shared.
     */
    post: operations['createVm'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Get a VM
     * @description The latest life of the name, also after its end, as long as Temporal keeps it. A VM whose workflow was terminated is shown as `failed` with a `detail` that says so.
     */
    get: operations['getVm'];
    put?: never;
    post?: never;
    /**
     * Destroy a VM
     * @description The request is kept by Temporal before it is answered: the machine will be destroyed even if every other part of Ephemera is down now. Repeating it is fine.
     *
     *     It ends the life of the name that it finds, and no later one, however late it arrives. A caller that means one life names it with `uid`; 409 `otherLife` says that the name has another one by now.
     *
     *     The name is free once the machine is confirmed gone. Where that never happens (a provider that is down, a permission that is lost) an administrator adds `force=true`: the destroy is tried for 15 s, counted from when it began, then the VM ends as `failed` with its reason and a `detail` that says so. Its name is free, and the sweeper removes the machine as soon as the provider works again.
     */
    delete: operations['destroyVm'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/drain': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Admit nobody new, let current users finish, then destroy or stop, as `idle.action` says */
    post: operations['drainVm'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/undrain': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Take a drain back */
    post: operations['undrainVm'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/hold': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Keep an empty VM for some time
     * @description Postpones every end for emptiness, never `maxLifetimeSeconds`. 0 seconds releases the hold.
     */
    post: operations['holdVm'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/connections': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    /**
     * Say how many use a VM, counted elsewhere
     * @description For a count that its agent cannot know, such as that of a matchmaker. The same as the signal `connections`: it counts as use, and where an agent reports, its own count holds from its next report on and is asked before the VM ends.
     */
    put: operations['setConnections'];
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/stop': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Stop the machine and keep its disk
     * @description The VM keeps its name, its machine and what is on its disk; memory and connections are lost. A stop of a VM with users answers 409 `vmInUse` unless it is forced. It is started by `start`, or by a create of its name; after `idle.retentionSeconds` it ends, and so it does at `maxLifetimeSeconds`. Repeating it is fine; a stop while it starts ends the start.
     */
    post: operations['stopVm'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/start': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Start a stopped VM again
     * @description The same machine with its disk, perhaps at another address. On a host it needs room again, and waits for it in `starting`. A start that fails or is not ready in time costs nothing: the VM is `stopped` again, and `detail` says why. Repeating it is fine; a start while it stops follows the stop.
     */
    post: operations['startVm'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/close': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Keep the disk of a VM in an image, and end it
     * @description Its machine is stopped, an image is made of its disk in the family of its name, and when that is kept the machine is destroyed: the VM ends as `closed`. `reopen`, or a create of its name, brings it back with its disk. An image that cannot be made ends nothing: the VM is `stopped` with its disk, `detail` says why, and the last good image stays. With users it answers 409 `vmInUse` unless it is forced. Repeating it is fine; a `start` before the image is kept takes it back.
     */
    post: operations['closeVm'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/reopen': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Bring back a VM that was closed, by its name alone
     * @description A new VM of the name with the spec and the secrets that it had, whose disk begins with the newest image of its family: `startedFrom: image`. An image of a host of ours can start there alone. A VM of the name that is being closed is waited for: at most `timeoutSeconds` with `?wait=ready`, 5 s without.
     */
    post: operations['reopenVm'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/snapshot': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Make an image of the disk of a VM, which goes on
     * @description A VM that runs is stopped for it and started again, so that what is on its disk is whole; one that is stopped stays so. With users it answers 409 `vmInUse` unless it is forced. `pendingImage` of the VM, and GET /v1/images, show it until it is `ready`; one that was not made is `failed` there and says why. Asked for later it makes one image, however often the request is begun again, and names it in its `result`.
     */
    post: operations['snapshotVm'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/suspend': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Suspend the machine and keep its memory
     * @description The VM keeps its name, its machine, its memory and what is on its disk; connections may be lost. A suspend of a VM with users answers 409 `vmInUse` unless it is forced. It goes on by `resume`, by `start`, or by a create of its name; after `idle.retentionSeconds` it is stopped. Where its provider refuses to suspend this machine the VM runs on, and `GET /v1/vms/{name}/timeline` says why. Repeating it is fine; a suspend while it resumes ends the resume.
     */
    post: operations['suspendVm'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/resume': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Resume a suspended VM
     * @description The same machine goes on with its memory; one whose memory its provider did not keep starts from its disk. A resume that fails or is not ready in time costs nothing: the VM is `suspended` again, and `detail` says why. A VM that is stopped needs a `start`. Repeating it is fine; a resume while it is being suspended follows that.
     */
    post: operations['resumeVm'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/requests/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Look at a request that is done later
     * @description How far a request is that was accepted with `Prefer: respond-async`, and what came of it. It is known from when it was accepted until 24 hours after its end; of each name the last 20 that have ended.
     */
    get: operations['getRequest'];
    put?: never;
    post?: never;
    /**
     * Take back a request that waits
     * @description One that was not begun is never done. One that was put off (`waitsFor`) is not tried again; what a try has asked for before may be done all the same. One that is being done is left alone: 409 `requestRunning`. One that has ended stays as it is.
     */
    delete: operations['cancelRequest'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/timeline': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * What happened to a VM, and why
     * @description Up to the last 100 events; the last 20 while no worker answers.
     */
    get: operations['getTimeline'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/console': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The last console output of the machine
     * @description The last 64 KiB, as plain text: without terminal sequences and control characters, which a machine could turn against the terminal of whoever reads it. The console of a machine of `local` or `qemu` stays readable for an hour after its VM ended.
     */
    get: operations['getConsole'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/events': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Watch what happens to the VMs of the project
     * @description Server-sent events, until the client hangs up (docs/events.md). Blocks of type `vm` have an event of the schema `Event` as JSON. `open` comes first; `gap` names events of one VM that are not kept any more; `reset` says that a position is too old, so that all VMs have to be listed again; `end` says why the server ends the stream. A stream that was cut goes on with `Last-Event-ID`, at any replica; there an event may come again.
     */
    get: operations['watchEvents'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/webhooks': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List the webhooks of the project */
    get: operations['listWebhooks'];
    put?: never;
    /**
     * Have an endpoint told what happens
     * @description Events of the project, from now on, are posted to the URL, signed as Standard Webhooks says (docs/webhooks.md): each at least once, those of one VM in their order. `secret` of the answer verifies them, and is shown this once.
     */
    post: operations['createWebhook'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/webhooks/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Look at a webhook and its last messages */
    get: operations['getWebhook'];
    put?: never;
    post?: never;
    /**
     * Tell an endpoint nothing more
     * @description What waits for it is not sent any more; a message that is on its way may still arrive.
     */
    delete: operations['deleteWebhook'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/webhooks/{id}/enable': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Go on with a webhook that was disabled
     * @description It gets what waited for it, and what has happened since, as far as that is kept. One that is not disabled stays as it is.
     */
    post: operations['enableWebhook'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/webhooks/{id}/test': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Send a message that says nothing but that it comes
     * @description Its `type` is `webhook.test`. A webhook that is disabled sends none.
     */
    post: operations['testWebhook'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/webhooks/{id}/redeliver': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Send an event again
     * @description Also one that was delivered, or that the webhook does not ask for; it waits for no other message. One of the last 20 of its VM. A webhook that is disabled sends none.
     */
    post: operations['redeliverEvent'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/links': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Make a link that opens a port of a VM in a browser
     * @description Through a gateway (docs/gateway.md), which lets nobody in without one. It is for this VM alone, also while it is stopped, and after it was closed and reopened; never for another VM that gets its name later. It can be taken back with all others of its VM or of the project.
     */
    post: operations['createLink'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/links/revoke': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Take back all links of the project
     * @description None that was made until now opens a VM any more, nor does a browser that was let in by one. Gateways know of it within 10 s; connections that are open by then stay open.
     */
    post: operations['revokeLinks'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/links/revoke': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Take back all links of a VM
     * @description Of every port and of every life of the name. As with those of the project, gateways know of it within 10 s.
     */
    post: operations['revokeVmLinks'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/links/key': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The key with which gateways verify links */
    get: operations['getLinkKey'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/ports/{port}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Connect to a TCP port in a VM
     * @description A WebSocket. Binary messages carry bytes both ways, cut anywhere. The text message `{"type":"end"}` says that its sender sends nothing more, and may still read. `{"type":"error","code":"…","detail":"…"}` comes before a close that is no end of the connection. The port is one on the loopback of the VM, through its agent, whatever its address and its network are (docs/access.md).
     */
    get: operations['forwardPort'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/exec': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Run a command in a VM, with its input and output or a terminal
     * @description A WebSocket. The first message of the client is the text `{"type":"start","command":["sh"]}`, with `env`, `cwd` and `timeoutSeconds` as in POST, and with `"tty":{"rows":24,"columns":80}` for a terminal. It is answered `{"type":"started"}`. Then the client sends binary messages that begin with a byte 0 and go on with standard input, `{"type":"resize","rows":…,"columns":…}`, and `{"type":"end"}` at the end of the input. It gets binary messages that begin with 1 (standard output, and all of a terminal) or 2 (standard error), and last `{"type":"exit","exitCode":0}`, or `{"type":"error","code":"…","detail":"…"}`. A command whose client goes away is ended (docs/access.md).
     */
    get: operations['openCommand'];
    put?: never;
    /**
     * Run a command in a VM and wait for its end
     * @description Runs it as the user of the agent, with the environment of the app, through no shell. Whether it worked is in `exitCode`. A command whose caller hangs up is killed. GET of this path, as a WebSocket, is for terminals, and for input and output of any length.
     */
    post: operations['runCommand'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/vms/{name}/files': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Files of a VM, as a tar
     * @description A tar of the file or directory, made by the `tar` of the VM: names in it begin with `./`. An answer that is cut off, which clients report as an error, is of a tar that failed.
     */
    get: operations['readFiles'];
    /**
     * Unpack a tar in a VM
     * @description The body is a tar, not compressed, of any length; it is unpacked by the `tar` of the VM in the directory `path`, which is made where it is missing. What was unpacked before something failed stays.
     */
    put: operations['writeFiles'];
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/templates': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The templates that creates may name
     * @description Read from memory that follows Temporal within about a second; answered also while Temporal is away.
     */
    get: operations['listTemplates'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/templates/{name}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** A template, its versions and what their creates have shown */
    get: operations['getTemplate'];
    /**
     * Put a template, as a new version unless it is as the newest one
     * @description The whole spec is checked at once, as that of a create is. Creates get the new version from now on; VMs that are there keep what they were made from. The same spec again makes no version, and lifts a hold-back; `warm`, `reuse` and `rollIdle` are those that were put last. One of the name of a built-in template takes its place until it is deleted.
     */
    put: operations['putTemplate'];
    post?: never;
    /**
     * Delete a template
     * @description VMs that were made from it live on: each has its whole spec. A built-in template whose place it took serves again. One that is put later under this name goes on counting its versions.
     */
    delete: operations['deleteTemplate'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/pools': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The warm machines of each template
     * @description A create from a template with a pool gets a machine that waits, where it fits: its VM is ready in a moment, and says `startedFrom: warm`. Where none waits the VM is made anew.
     */
    get: operations['listPools'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/pools/{template}/history': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * How the warm machines of a template went
     * @description Of the last 12 hours. The workflow of the pool keeps it, so a restart loses none of it and every replica tells the same; `claimed`, `missed` and `failed` count since the pool began.
     */
    get: operations['getPoolHistory'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/sessions': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The names that were closed and can be reopened
     * @description Kept by the families of their images, however long ago they were closed.
     */
    get: operations['listSessions'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/images': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The images that VMs were closed into, and snapshots */
    get: operations['listImages'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/images/{name}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post?: never;
    /**
     * Delete an image
     * @description Kept before it is answered; the image is removed where it is, as soon as its host can be asked. One that a live VM started from, or is starting from, is 409 `imageInUse`. With its last image that is ready a session ends: it cannot be reopened any more.
     */
    delete: operations['deleteImage'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/machine-images': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The images that machines of own hosts boot
     * @description Somebody registered each of them on a host (`npm run image -- add`), from where other hosts fetch it when a machine of theirs needs it. The image that comes with Ephemera is on every host and not in this list.
     */
    get: operations['listMachineImages'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/machine-images/{name}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One machine image, with its versions and the hosts that have them */
    get: operations['getMachineImage'];
    put?: never;
    post?: never;
    /**
     * Remove every version of a machine image from every host
     * @description While a machine has one of its versions, also a stopped one, nothing is removed: 409 `machineImageInUse`. Nor while a host that has it cannot be asked, for it would bring it back. When one host fails in between, the others have removed it: repeat it.
     */
    delete: operations['deleteMachineImage'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/hosts': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The hosts of the deployment
     * @description Computers that run machines. One that does not answer is `away`, and `lost` when it did not return within its EPHEMERA_HOST_LOST_SECONDS: its VMs end as `lost`, or get a machine elsewhere (`onLost: recreate`).
     */
    get: operations['listHosts'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/hosts/join-tokens': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Make a token with which a computer joins as a host
     * @description For one computer, once, within 15 minutes. `npm run keys -- join` makes one too.
     */
    post: operations['createJoinToken'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/hosts/join': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Join as a host
     * @description What `npm run host` asks. The bearer is a join token; its first use spends it. The same host (same `hostId` and `hostKey`) is answered again, so that a lost answer does no harm. The answer goes over TLS, or to the same computer.
     */
    post: operations['joinHost'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/hosts/{id}/cordon': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Give a host no new VMs
     * @description Those it has go on. A host that is away takes none either when it returns.
     */
    post: operations['cordonHost'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/hosts/{id}/uncordon': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Take a cordon or a drain of a host back
     * @description VMs that a drain has reached already go on draining; `undrain` takes that back for each.
     */
    post: operations['uncordonHost'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/hosts/{id}/drain': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Cordon a host and drain its VMs
     * @description Each VM ends when its users have left. The host is empty when `machines` is 0.
     */
    post: operations['drainHost'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/hosts/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post?: never;
    /**
     * Take a host out of the registry
     * @description One that takes no creates (cordoned, draining or away) and has no machines, or one that is lost. Its worker ends if it still runs; a host that is started again enters anew.
     */
    delete: operations['removeHost'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/agent/exchange': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Exchange a bootstrap secret for a report token
     * @description Granted once; the same caller (same `nonce`) is granted it again, so that a lost reply does no harm.
     */
    post: operations['exchangeAgentSecret'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/agent/report': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Report a machine's connection count
     * @description The VM and the machine come from the token alone. `forwarded` is what the last reply said was kept durably, so that any replica decides alike; a first user and a last one gone are kept before the reply. A machine with sealed input gets it in the reply, until its reports say so in `assigned`.
     */
    post: operations['reportUsage'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/agent/link': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Carry streams into a machine
     * @description A WebSocket that an agent opens once an answer to its report says `streams`. The machine comes from the token alone; a newer connection of it takes the place of this one. Text messages are the lines of an agent link: frames of streams both ways, and of the agent `{"type":"token","token":"…"}` with each newer token. It is closed with 4401 once the token is not good any more.
     */
    get: operations['openAgentLink'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/datasource/{machineId}/{token}/{file}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * A file of cloud-init's NoCloud datasource
     * @description For machines that reach the API; those that do not have a volume with the same. `file` is meta-data, user-data, vendor-data. The token is bound to the machine and closed once its VM has booted. A token that is wrong, used, expired or of another machine is answered alike: nothing is there.
     */
    get: operations['getDatasourceFile'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/agent/vm-server.cjs': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The program that runs in machines: agent and sample chat
     * @description One file for Node.js 20 or newer. The startup script of cloud machines fetches it from here.
     */
    get: operations['getVmServer'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/browser-session': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Who is signed in */
    get: operations['getBrowserSession'];
    put?: never;
    /**
     * Sign in to the dashboard with an API key
     * @description Sets a cookie that is good together with `proof` alone, from pages of this API alone. Programs need none of it: they send their key.
     */
    post: operations['signIn'];
    /**
     * Sign out of the dashboard
     * @description Takes the cookie from the browser. Revoke the key to end every session that rests on it.
     */
    delete: operations['signOut'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/sweep': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * What a sweep would do now
     * @description Looks for machines that nobody owns and VMs whose machine is gone, and changes nothing. `orphan` machines go with the next sweep; `unattributed` ones are never touched: no trace of an owner was found; `unknown` ones could not be asked about this time. Of machines and VMs those of the project are shown, and machines without any project; `owned` counts all. One look answers everybody who asks a replica within 5 seconds; `at` says when it was.
     */
    get: operations['drySweep'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/sweep/findings': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * What the last sweeps found and did
     * @description From Temporal, for as long as its namespace retains what has closed. Of machines and VMs those of the project are shown, and machines without any project; `owned` counts all.
     */
    get: operations['listSweepRuns'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/keys': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The API keys of every project
     * @description Without the keys themselves, which are kept nowhere.
     */
    get: operations['listKeys'];
    put?: never;
    /**
     * Make an API key
     * @description For any project. The key is in this answer alone. It counts here at once, and within a second on every replica of this state directory.
     */
    post: operations['createKey'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/keys/{id}/rotate': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Replace an API key by a new one
     * @description For the same project, role and label. The old key ends now, or after `overlapSeconds`.
     */
    post: operations['rotateKey'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/keys/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post?: never;
    /**
     * Revoke an API key
     * @description It is refused here at once, and within a second on every replica of this state directory; it stays in the list. The last good key with the role admin is revoked with `force` alone.
     */
    delete: operations['revokeKey'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/audit': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Who changed what, and who tried to
     * @description The audit log of the computer that this replica runs on, of all projects, the newest first. It reads the file that is there now: what was renamed away is not in it, nor what replicas on other computers wrote. One page reads a part of the file, so it may hold few entries or none and still have a `nextPageToken`.
     */
    get: operations['listAudit'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/healthz': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The process answers */
    get: operations['getHealth'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/readyz': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The list of VMs was read and requests can be served */
    get: operations['getReadiness'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/openapi.json': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** This description as OpenAPI 3.1 */
    get: operations['getOpenApi'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/docs': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** This description as a page */
    get: operations['getDocs'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/docs/errors': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Every error code, what it means and what to do */
    get: operations['getErrorDocs'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    /**
     * @description A template with overrides, or without `template` a whole spec with at least `image`. With neither, the default template of the deployment (EPHEMERA_DEFAULT_TEMPLATE). Unknown fields are refused. What the chosen provider cannot do is refused with `unsupportedOption`.
     * @example {
     *       "name": "lobby",
     *       "template": "chat",
     *       "idle": {
     *         "timeoutSeconds": 30
     *       }
     *     }
     * @example {
     *       "template": "chat"
     *     }
     */
    CreateVm: {
      /** @description Unique among the live VMs of the project. Default: one is made up. */
      name?: string;
      /** @description What the spec is taken from; fields of the request win. `chat` is the version of it that serves, `chat@3` its version 3. Default: none where `image` is given, else the default template of the deployment. */
      template?: string;
      /**
       * @description Who makes the machine. `local`: processes on this computer, each with a loopback address of its own; no virtual machines; `qemu`: virtual machines on hosts of your own, with KVM where it works; `gcp`: instances of Google Compute Engine; `ec2`: instances of Amazon EC2; `digitalocean`: droplets of DigitalOcean; `azure`: virtual machines of Microsoft Azure. Default: that of the template, or the first one of the deployment.
       * @enum {string}
       */
      provider?: 'local' | 'qemu' | 'gcp' | 'ec2' | 'digitalocean' | 'azure';
      /** @description What the machine boots: a name that the provider knows. Default: that of the template; needed without one. */
      image?: string;
      /** @description What the VM is for, in words for people. Default: that of the template; without a template none. */
      description?: string;
      /** @description Zones of the provider, or of our own hosts, tried in this order. Default: that of the template; without a template those of the deployment, where there are any. */
      zones?: string[];
      /** @description Labels that the host of the machine must have, where hosts of ours run machines. Default: that of the template; without a template any host. */
      hostSelector?: {
        [key: string]: string;
      };
      /** @description Virtual processors. Not enforced on `local`, whose machines are processes of the host and may use all of it. Default: that of the template; without a template 1. */
      cpus?: number;
      /** @description Memory in MiB. Not enforced on `local`, whose machines are processes of the host and may use all of it. Default: that of the template; without a template 512. */
      memoryMb?: number;
      /** @description Size of the disk in GiB. Default: that of the template; without a template as big as the image. */
      diskGb?: number;
      /** @description A machine type of the provider, instead of `cpus` and `memoryMb`. Default: that of the template; without a template chosen by `cpus` and `memoryMb`. */
      machineType?: string;
      /** @description A network or subnetwork of the provider. Default: that of the template; without a template the first one that the deployment allows. */
      network?: string;
      /** @description Whether the machine has an address on the internet. Default: that of the template; without a template false. */
      externalIp?: boolean;
      /** @description Whether the provider may take the machine back at any time, for a lower price. Default: that of the template; without a template false. */
      spot?: boolean;
      /** @description What the machine may reach. True: the internet. A list, where the provider can: what its rules name, as `443/tcp`, `27000-27100/udp`, `192.0.2.0/24` or `198.51.100.7/32:8080/tcp` (docs/networking.md). Default: that of the template; without a template `false`, nothing. */
      egress?: boolean | string[];
      /** @description Yours to find VMs by: `?label=key=value`. Added to those of the template. Default: those alone. */
      labels?: {
        [key: string]: string;
      };
      /** @description Environment of the app in the machine. Everybody who reads the VM reads it: secrets belong into `secretEnv`. Added to those of the template. Default: those alone. */
      env?: {
        [key: string]: string;
      };
      /** @description What cloud-init in the machine does at its first boot, where the image has cloud-init: a `#cloud-config`, or a script that begins with `#!`. Everybody who reads the VM reads it, and so does whoever is in the machine: secrets belong into `secretEnv`. Default: that of the template; without a template nothing. */
      userData?: string;
      /** @description Ports that the app listens on. Names and port/protocol pairs are unique. Default: that of the template; without a template none. */
      ports?: {
        /** @description Name of the port, unique in the VM. */
        name: string;
        /** @description Port in the machine, and at its address. */
        port: number;
        /**
         * @description What the port takes. `tcp`: connections; `udp`: datagrams, where the provider can. Default: `tcp`.
         * @enum {string}
         */
        protocol?: 'tcp' | 'udp';
      }[];
      /** @description When the VM counts as ready. Default: that of the template; without a template its agent says so. */
      readiness?: {
        /**
         * @description When the VM counts as ready. `agent`: the agent in the machine says so; `http`: a GET of `path` on `port` answers 2xx or 3xx; `tcp`: `port` takes a connection; `machine`: the machine runs. Default: that of the template; without a template `agent`.
         * @enum {string}
         */
        kind?: 'agent' | 'http' | 'tcp' | 'machine';
        /** @description TCP port that is asked, with `http` and `tcp`. One of `ports`. Default: that of the template, or the only TCP port. */
        port?: number;
        /** @description Path that is asked, with `http`. Default: that of the template; without a template `/`. */
        path?: string;
        /** @description The VM ends as `notReady` when it is not ready this long after its machine was made. Default: that of the template; without a template 120. */
        timeoutSeconds?: number;
      };
      /** @description When nobody uses the VM any more. Default: each field has its own. */
      idle?: {
        /** @description The VM ends when nobody has been connected for this long after use. Default: that of the template; without a template 300. */
        timeoutSeconds?: number;
        /** @description The VM ends when it has been ready for this long and nobody ever connected. Default: that of the template; without a template 600. */
        firstConnectTimeoutSeconds?: number;
        /** @description When the agent has not reported for this long its count is unknown and the provider is asked whether the machine runs; after as long again the VM ends as `lost`. Default: that of the template; without a template 300. */
        silenceTimeoutSeconds?: number;
        /**
         * @description What follows then, and when a drain is through. `destroy`: the VM ends and its machine is removed; `stop`: its machine is stopped and keeps its disk, until somebody starts it or asks for its name; `suspend`: its memory is kept too, where the provider can; it is stopped where it cannot be suspended; `close`: it is kept as an image, where the provider can; `none`: nothing: it stays, empty or not. Default: that of the template; without a template `destroy`.
         * @enum {string}
         */
        action?: 'destroy' | 'stop' | 'suspend' | 'close' | 'none';
        /** @description A stopped VM ends when nobody has started it for this long; one that is suspended is stopped then. Default: that of the template; without a template at the end of `maxLifetimeSeconds`, which counts in any case. */
        retentionSeconds?: number;
      };
      /** @description From this age on the VM ends as soon as it is empty. Default: that of the template; without a template never. */
      softLifetimeSeconds?: number;
      /** @description At this age the VM ends, whoever uses it. Null: never; it stays until it is destroyed, which needs `idle.action` `none`. Default: that of the template; without a template 86400. */
      maxLifetimeSeconds?: number | null;
      /**
       * @description What follows when the machine is lost. `destroy`: the VM ends as `lost` or `preempted`; `recreate`: it gets a new machine under its name, at most five times. Default: that of the template; without a template `destroy`.
       * @enum {string}
       */
      onLost?: 'destroy' | 'recreate';
      /** @description Which ways in through the agent are open to holders of keys: `ports` to connect to its TCP ports, `exec` to run commands, `files` to read and write files. An empty list shuts all. Default: that of the template; without a template all of them. */
      remoteAccess?: ('ports' | 'exec' | 'files')[];
      /** @description Whether the VM starts with a clean disk though its name was closed and an image is kept of it. Default: false, which starts from that image. */
      fresh?: boolean;
      /** @description Like `env`, for secrets: sealed before anything is kept, opened only for the machine, shown nowhere. At most 32768 bytes together; no name that is in `env`. Default: none. */
      secretEnv?: {
        [key: string]: string;
      };
      /** @description Runs once on each machine, before the VM is ready: by the interpreter of its `#!` line, else by /bin/sh, with `env` and `secretEnv` in its environment. Its output goes to the console; an exit code other than 0 ends the VM as `notReady`. Sealed like `secretEnv`; at most 65536 bytes. Default: none. */
      startupScript?: string;
    };
    /** @description A VM: one life of a name, from its create to its confirmed end. */
    Vm: {
      /** @description Name of the VM, unique among the live VMs of the project. */
      name: string;
      /** @description Project of the key that made it. */
      project: string;
      /** @description One life of the name. */
      uid: string;
      /** @description Id of the API key that made it; absent for VMs that an earlier version of Ephemera started. */
      createdBy?: string;
      /** @description Absent until the workflow has made it up. */
      machineId?: string;
      state: components['schemas']['VmState'];
      reason?: components['schemas']['EndReason'];
      /** @description One sentence more about the reason; while `creating`, `stopping`, `imaging`, `starting`, `suspending`, `resuming` or `destroying`, why the latest try failed. */
      detail?: string;
      /**
       * @description Whether the count of users is known. `ok`: it is, or nobody counts; `unknown`: the agent of the VM is silent.
       * @enum {string}
       */
      health: 'ok' | 'unknown';
      /** @description Who makes the machine. `local`: processes on this computer, each with a loopback address of its own; no virtual machines; `qemu`: virtual machines on hosts of your own, with KVM where it works; `gcp`: instances of Google Compute Engine; `ec2`: instances of Amazon EC2; `digitalocean`: droplets of DigitalOcean; `azure`: virtual machines of Microsoft Azure. */
      provider: string;
      /** @description Zone of the machine, where the provider has zones. */
      zone?: string;
      /** @description Host that runs the machine, where hosts of ours do. */
      host?: string;
      /** @description What the VM was made from; absent when its spec was given whole. */
      template?: {
        /** @description Name of the template. */
        name: string;
        /** @description Its version when the VM was made. */
        version: number;
      };
      /** @description Where its users connect; absent until the machine has one. */
      address?: {
        /** @description Address that users connect to. */
        ip: string;
        /**
         * @description From where that address can be reached; a firewall on the way is another matter. `host`: only from the computer that runs the machine; `network`: from networks that have a way to it; `internet`: from everywhere.
         * @enum {string}
         */
        reach: 'host' | 'network' | 'internet';
        /** @description Ports of the VM at that address. */
        ports: {
          /** @description Name of the port. */
          name: string;
          /** @description Port in the machine, and at its address. */
          port: number;
          /**
           * @description What the port takes. `tcp`: connections; `udp`: datagrams, where the provider can.
           * @enum {string}
           */
          protocol: 'tcp' | 'udp';
        }[];
      };
      /** @description Users connected. Absent while nobody ever counted. */
      connections?: number;
      /**
       * @description Whose count that is. `agent`: of the agent in the machine; `others`: of people and programs outside, by `PUT /v1/vms/{name}/connections` or the signal `connections`.
       * @enum {string}
       */
      countedBy?: 'agent' | 'others';
      /** @description Why the VM is alive now; null when it ends or has ended. `starting`: it is not ready yet; `stopped`: its machine is stopped, and its disk is kept; `suspended`: its machine is suspended, and its memory and its disk are kept; `connections`: somebody is connected; `hold`: a hold keeps it; `confirming`: it is about to end as empty, and its agent is asked once more; `unknown`: its agent is silent, so nobody knows how many use it; `noAgent`: nobody ever counted, so there is no idle rule; `stays`: its `idle.action` is `none`; `firstConnectGrace`: nobody came yet, and there is time left; `idleGrace`: everybody has left, and there is time left; `rollOverGrace`: everybody has left, and it makes room for a newer version of its template in a moment. */
      aliveBecause:
        | (
            | 'starting'
            | 'stopped'
            | 'suspended'
            | 'connections'
            | 'hold'
            | 'confirming'
            | 'unknown'
            | 'noAgent'
            | 'stays'
            | 'firstConnectGrace'
            | 'idleGrace'
            | 'rollOverGrace'
          )
        | null;
      /** @description What happens next by itself; absent when nothing does. */
      nextDeadline?: {
        /**
         * Format: date-time
         * @description When it happens.
         */
        at: string;
        /**
         * @description What happens then unless something comes in between. `create`: it ends as `createFailed`, if there is no machine; `ready`: it ends as `notReady`, if it is not ready; `neverConnected`: it ends, if nobody came; `idle`: it ends, if nobody came back; `softLifetime`: it ends, if it is empty; `drained`: it ends, if it is empty; `confirm`: the count is unknown, if the agent gives no answer; `silence`: the count is unknown, if the agent does not report; `lost`: it ends as `lost`, if the agent does not report; `start`: it is stopped or suspended again, if its machine does not run; `retention`: it ends, if nobody started it; one that is suspended is stopped, if nobody resumed it; `forceTimeout`: it ends by force, if its machine is not gone; `maxLifetime`: it ends, whoever uses it.
         * @enum {string}
         */
        kind:
          | 'create'
          | 'ready'
          | 'neverConnected'
          | 'idle'
          | 'softLifetime'
          | 'drained'
          | 'confirm'
          | 'silence'
          | 'lost'
          | 'start'
          | 'retention'
          | 'forceTimeout'
          | 'maxLifetime';
        /** @description Why it comes sooner than the spec says; absent where it does not. */
        detail?: string;
      };
      /** @description Version of its template that serves, where the VM makes room for that as soon as nobody uses it (`rollIdle`); absent where it stays. */
      newerVersion?: number;
      /**
       * @description What the present machine was when the VM got it, or got it back. `new`: nothing: it was made for the VM; `warm`: it waited in the pool of the template; `drained`: it served this very VM, which was draining and was given to another create; `stopped`: it was stopped, and kept its disk; it was reset where another create than that of its name got it; `image`: its disk began with an image, of a VM that was closed for one; `suspended`: it was suspended, and kept its memory as long as its provider could.
       * @enum {string}
       */
      startedFrom?: 'new' | 'warm' | 'drained' | 'stopped' | 'image' | 'suspended';
      /** @description What is kept of the machine while it does not run, and goes with the VM; absent while it runs. `disk`: while it is stopped; `memory` too: while it is suspended. */
      keeps?: ('disk' | 'memory')[];
      /** @description The image that is being made of its disk, or will be once it is stopped; absent for none. */
      pendingImage?: {
        /** @description Id that it will have with its provider. */
        imageId: string;
        /** @description Its family. */
        family: string;
        /** @description The name that was asked for; absent where the family gives it one. */
        name?: string;
        /** @description Whether the VM ends once the image is kept. */
        closes: boolean;
      };
      /**
       * @description There while nothing but a request ends the VM: it has no longest life.
       * @constant
       */
      stays?: true;
      /**
       * Format: date-time
       * @description Until then a hold keeps the VM though it is empty.
       */
      holdUntil?: string;
      /** @description Labels of the VM. */
      labels: {
        [key: string]: string;
      };
      /**
       * Format: date-time
       * @description When the VM was asked for.
       */
      createdAt: string;
      /**
       * Format: date-time
       * @description When its present machine was ready; absent before.
       */
      readyAt?: string;
      /**
       * Format: date-time
       * @description When its machine was seen gone, or was released by force; absent while the VM lives.
       */
      endedAt?: string;
      /**
       * Format: date-time
       * @description When something last changed.
       */
      updatedAt: string;
      /** @description Workflow of the VM in Temporal. */
      workflowId: string;
      /** @description Present run of that workflow; a long life has several. */
      runId: string;
      /** @description The workflow in the Temporal Web UI, where its address is set. */
      temporalUiUrl?: string;
      spec: components['schemas']['VmSpec'];
      /** @description What a person may want to do with it now, as its state, its provider and the role of the key allow. More may be asked: repeats, for one. `drain`: admit nobody new, and let it end with its last user; `undrain`: admit users again; `hold`: keep it though nobody uses it; `setConnections`: say how many use it; `stop`: stop its machine and keep its disk; `start`: start it with its disk; `suspend`: keep its memory too; `resume`: go on where it was; `snapshot`: make an image beside it; `close`: keep its disk as an image, and end it; `destroy`: end it, and destroy its machine. */
      can: (
        | 'destroy'
        | 'stop'
        | 'start'
        | 'suspend'
        | 'resume'
        | 'close'
        | 'snapshot'
        | 'drain'
        | 'undrain'
        | 'setConnections'
        | 'hold'
      )[];
    };
    /**
     * @description Where the VM is in its life. `creating`: its machine is being made, or waits for room; `booting`: the machine is there and not ready yet; `running`: it is ready and serves its users; `draining`: it admits nobody new, and `idle.action` follows when the last user has left; `stopping`: its machine is being stopped; `stopped`: its machine does not run and keeps its disk; a start or a create of its name brings it back; `imaging`: an image is made of its stopped machine; `pendingImage` says which, and whether it ends with that; `starting`: its stopped machine is being started, or waits for room on its host; `suspending`: its machine is being suspended; `suspended`: its machine does not run and keeps its memory and its disk; a resume or a create of its name brings it back; `resuming`: its suspended machine is being resumed; `destroying`: its machine is being removed; `destroyed`: it has ended as it was meant to, and its machine was seen gone; `failed`: it has ended as nobody meant it to; `reason` and `detail` say why.
     * @enum {string}
     */
    VmState:
      | 'creating'
      | 'booting'
      | 'running'
      | 'draining'
      | 'stopping'
      | 'stopped'
      | 'imaging'
      | 'starting'
      | 'suspending'
      | 'suspended'
      | 'resuming'
      | 'destroying'
      | 'destroyed'
      | 'failed';
    /**
     * @description Why the VM is stopped, ends or has ended; absent before. `requested`: somebody asked for it; `idle`: nobody used it any more for `idle.timeoutSeconds`, or for a moment where a newer version of its template serves and has `rollIdle`; `neverConnected`: nobody came within `idle.firstConnectTimeoutSeconds`; `maxLifetime`: it was `maxLifetimeSeconds` old; `softLifetime`: it was `softLifetimeSeconds` old, and empty; `drained`: it was drained, and the last user has left; `createFailed`: no machine could be made; `notReady`: the machine was not ready within `readiness.timeoutSeconds`, or its startup script failed; `lost`: its machine is gone, or its agent was silent for too long; `preempted`: the provider took the machine back; `cancelled`: its workflow was cancelled in Temporal; `closed`: it was closed, and its disk is kept in an image: a reopen, or a create of its name, brings it back.
     * @enum {string}
     */
    EndReason:
      | 'requested'
      | 'idle'
      | 'neverConnected'
      | 'maxLifetime'
      | 'softLifetime'
      | 'drained'
      | 'createFailed'
      | 'notReady'
      | 'lost'
      | 'preempted'
      | 'cancelled'
      | 'closed';
    /** @description The whole spec with every default filled in. */
    VmSpec: {
      /** @description What the spec was taken from; null when it was given whole. */
      template: {
        /** @description Name of the template. */
        name: string;
        /** @description Its version when the VM was made. */
        version: number;
      } | null;
      /**
       * @description Who makes the machine. `local`: processes on this computer, each with a loopback address of its own; no virtual machines; `qemu`: virtual machines on hosts of your own, with KVM where it works; `gcp`: instances of Google Compute Engine; `ec2`: instances of Amazon EC2; `digitalocean`: droplets of DigitalOcean; `azure`: virtual machines of Microsoft Azure.
       * @enum {string}
       */
      provider: 'local' | 'qemu' | 'gcp' | 'ec2' | 'digitalocean' | 'azure';
      /** @description What the machine boots: a name that the provider knows. */
      image: string;
      /** @description What the VM is for, in words for people. Absent: none. */
      description?: string;
      /** @description Zones of the provider, or of our own hosts, tried in this order. Empty: those of the deployment, where there are any. */
      zones: string[];
      /** @description Labels that the host of the machine must have, where hosts of ours run machines. Absent: any host. */
      hostSelector?: {
        [key: string]: string;
      };
      /** @description Virtual processors. Not enforced on `local`, whose machines are processes of the host and may use all of it. */
      cpus: number;
      /** @description Memory in MiB. Not enforced on `local`, whose machines are processes of the host and may use all of it. */
      memoryMb: number;
      /** @description Size of the disk in GiB. Null: as big as the image. */
      diskGb: number | null;
      /** @description A machine type of the provider, instead of `cpus` and `memoryMb`. Null: chosen by `cpus` and `memoryMb`. */
      machineType: string | null;
      /** @description A network or subnetwork of the provider. Null: the first one that the deployment allows. */
      network: string | null;
      /** @description Whether the machine has an address on the internet. */
      externalIp: boolean;
      /** @description Whether the provider may take the machine back at any time, for a lower price. */
      spot: boolean;
      /** @description What the machine may reach. True: the internet. A list, where the provider can: what its rules name, as `443/tcp`, `27000-27100/udp`, `192.0.2.0/24` or `198.51.100.7/32:8080/tcp` (docs/networking.md). */
      egress: boolean | string[];
      /** @description Yours to find VMs by: `?label=key=value`. */
      labels: {
        [key: string]: string;
      };
      /** @description Environment of the app in the machine. Everybody who reads the VM reads it: secrets belong into `secretEnv`. */
      env: {
        [key: string]: string;
      };
      /** @description What cloud-init in the machine does at its first boot, where the image has cloud-init: a `#cloud-config`, or a script that begins with `#!`. Everybody who reads the VM reads it, and so does whoever is in the machine: secrets belong into `secretEnv`. Absent: nothing. */
      userData?: string;
      /** @description Ports that the app listens on. Names and port/protocol pairs are unique. */
      ports: {
        /** @description Name of the port, unique in the VM. */
        name: string;
        /** @description Port in the machine, and at its address. */
        port: number;
        /**
         * @description What the port takes. `tcp`: connections; `udp`: datagrams, where the provider can.
         * @enum {string}
         */
        protocol: 'tcp' | 'udp';
      }[];
      /** @description When the VM counts as ready. */
      readiness: {
        /**
         * @description When the VM counts as ready. `agent`: the agent in the machine says so; `http`: a GET of `path` on `port` answers 2xx or 3xx; `tcp`: `port` takes a connection; `machine`: the machine runs.
         * @enum {string}
         */
        kind: 'agent' | 'http' | 'tcp' | 'machine';
        /** @description TCP port that is asked, with `http` and `tcp`. Else null. */
        port: number | null;
        /** @description Path that is asked, with `http`. Else null. */
        path: string | null;
        /** @description The VM ends as `notReady` when it is not ready this long after its machine was made. */
        timeoutSeconds: number;
      };
      /** @description When nobody uses the VM any more. */
      idle: {
        /** @description The VM ends when nobody has been connected for this long after use. */
        timeoutSeconds: number;
        /** @description The VM ends when it has been ready for this long and nobody ever connected. */
        firstConnectTimeoutSeconds: number;
        /** @description When the agent has not reported for this long its count is unknown and the provider is asked whether the machine runs; after as long again the VM ends as `lost`. */
        silenceTimeoutSeconds: number;
        /**
         * @description What follows then, and when a drain is through. `destroy`: the VM ends and its machine is removed; `stop`: its machine is stopped and keeps its disk, until somebody starts it or asks for its name; `suspend`: its memory is kept too, where the provider can; it is stopped where it cannot be suspended; `close`: it is kept as an image, where the provider can; `none`: nothing: it stays, empty or not.
         * @enum {string}
         */
        action: 'destroy' | 'stop' | 'suspend' | 'close' | 'none';
        /** @description A stopped VM ends when nobody has started it for this long; one that is suspended is stopped then. Absent: at the end of `maxLifetimeSeconds`, which counts in any case. */
        retentionSeconds?: number;
      };
      /** @description From this age on the VM ends as soon as it is empty. Null: never. */
      softLifetimeSeconds: number | null;
      /** @description At this age the VM ends, whoever uses it. Null: never; it stays until it is destroyed, which needs `idle.action` `none`. */
      maxLifetimeSeconds: number | null;
      /**
       * @description What follows when the machine is lost. `destroy`: the VM ends as `lost` or `preempted`; `recreate`: it gets a new machine under its name, at most five times.
       * @enum {string}
       */
      onLost: 'destroy' | 'recreate';
      /** @description Which ways in through the agent are open to holders of keys: `ports` to connect to its TCP ports, `exec` to run commands, `files` to read and write files. An empty list shuts all. Absent: all of them. */
      remoteAccess?: ('ports' | 'exec' | 'files')[];
      /** @description The image of a closed or snapshotted VM that its disk begins with; absent: the disk of `image`. */
      startFrom?: {
        /** @description Id of the image, as its provider knows it. */
        imageId: string;
        /** @description The host that has the image, and alone can start from it; null in a cloud. */
        host: string | null;
        /** @description Names the session through all of its closes and reopens; absent where an earlier version made the image. */
        session?: string;
      };
      /** @description Which secret variables there are and whether there is a startup script; never what is in them. */
      sealed?: {
        /** @description Names of the variables of `secretEnv`. */
        secretEnvNames: string[];
        /** @description Whether there is a startup script. */
        startupScript: boolean;
      };
    };
    /** @description A request that is done later. It is known for 24 hours after its end, the last 20 of each name. */
    Request: {
      /** @description Its id: the last part of the Location header. */
      id: string;
      /** @description The name that it is for: requests for one name are done in the order in which they were accepted. */
      name: string;
      /** @description The project of the key that asked. */
      project: string;
      /** @description What is done: an `operationId` of this document. */
      operation: string;
      /**
       * @description How far it is. `queued`: it waits for its turn, or for what it needs; `running`: it is being done; `done`: it did what it asked for; `result` has the VM; `failed`: it did not; `problem` says why; `cancelled`: somebody took it back before it was begun.
       * @enum {string}
       */
      state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
      /** @description Id of the API key that asked. */
      createdBy: string;
      /** @description Requests for the same name that are done before; absent once it is begun. */
      position?: number;
      /** @description Why its latest try was put off: a code, and what it means. */
      waitsFor?: string;
      /**
       * Format: date-time
       * @description When it was accepted.
       */
      acceptedAt: string;
      /**
       * Format: date-time
       * @description It fails as `requestExpired` when it was not begun by then.
       */
      expiresAt: string;
      /**
       * Format: date-time
       * @description When it was begun; absent before.
       */
      startedAt?: string;
      /**
       * Format: date-time
       * @description When it was done, failed or cancelled; absent before.
       */
      endedAt?: string;
      /** @description What came of it, once it is done. */
      result?: {
        /** @description Status that the request would have been answered with at once. */
        status: number;
        /** @description The VM that it was about. */
        vm: {
          /** @description Its name: another one where a create without a name got a VM that was there. */
          name: string;
          /** @description The life of the name. */
          uid: string;
          /** @description Its state when the request was done. */
          state: string;
        } | null;
        /** @description The image that a snapshot made; absent for what makes none. */
        image?: {
          /** @description Its name in the project. */
          name: string;
          /** @description As its provider knows it. */
          imageId: string;
        };
      };
      /** @description Why it failed. */
      problem?: {
        /** @description `code` of the problem document that it would have been answered with. */
        code: string;
        /** @description Status that the request would have been answered with at once. */
        status: number;
        /** @description What the code means. */
        title: string;
        /** @description What was wrong, and what to do next. */
        detail: string;
      };
    };
    /** @description RFC 9457 problem details. */
    Problem: {
      /** @description Where the code is explained. */
      type: string;
      /** @description What the code means, the same for every answer with it. */
      title: string;
      /** @description The HTTP status of the answer. */
      status: number;
      /** @description What was wrong, and what to do next. */
      detail: string;
      /**
       * @description What programs tell problems apart by. Each is explained at /docs/errors.
       * @enum {string}
       */
      code:
        | 'malformedBody'
        | 'bodyTooLarge'
        | 'unsupportedMediaType'
        | 'invalidRequest'
        | 'contradictoryTimeouts'
        | 'unsupportedOption'
        | 'optionNotAllowed'
        | 'insecureTransport'
        | 'unknownProvider'
        | 'unknownTemplate'
        | 'unknownTemplateVersion'
        | 'noMatchingHost'
        | 'unauthenticated'
        | 'sessionRefused'
        | 'forbidden'
        | 'tokenRefused'
        | 'hostAway'
        | 'hostKeyMismatch'
        | 'joinTokenInvalid'
        | 'joinTokenOfOtherDeployment'
        | 'joinTokenExpired'
        | 'joinTokenUsed'
        | 'notFound'
        | 'methodNotAllowed'
        | 'unknownVm'
        | 'templateNotFound'
        | 'tooManyTemplates'
        | 'builtInTemplate'
        | 'hostNotFound'
        | 'hostInUse'
        | 'consoleUnavailable'
        | 'unknownPort'
        | 'noHostName'
        | 'upgradeRequired'
        | 'remoteAccessOff'
        | 'streamsUnsupported'
        | 'tooManyStreams'
        | 'streamLost'
        | 'portRefused'
        | 'execFailed'
        | 'ttyUnavailable'
        | 'fileNotFound'
        | 'fileRefused'
        | 'specConflict'
        | 'nameTaken'
        | 'vmEnding'
        | 'otherLife'
        | 'idempotencyConflict'
        | 'actionNotAllowed'
        | 'unsupportedAction'
        | 'vmInUse'
        | 'neverClosed'
        | 'vmLive'
        | 'sessionMismatch'
        | 'sessionUnreadable'
        | 'imageHostLost'
        | 'imageNotFound'
        | 'machineImageNotFound'
        | 'machineImageInUse'
        | 'imageHostAway'
        | 'imageNameTaken'
        | 'imageInUse'
        | 'tooManyImages'
        | 'startFailed'
        | 'endedBeforeReady'
        | 'unknownRequest'
        | 'queueFull'
        | 'requestExpired'
        | 'requestRunning'
        | 'requestUnreadable'
        | 'notDone'
        | 'providerUnavailable'
        | 'rateLimited'
        | 'tooManyWaits'
        | 'webhookTargetRefused'
        | 'tooManyWebhooks'
        | 'unknownWebhook'
        | 'unknownEvent'
        | 'tooManyWatchers'
        | 'temporalUnavailable'
        | 'identityUnavailable'
        | 'vmServerMissing'
        | 'notReady'
        | 'unknownKey'
        | 'keyEnded'
        | 'lastAdminKey'
        | 'keysNotWritable'
        | 'auditNotReadable'
        | 'pageTokenExpired'
        | 'poolNotFound'
        | 'poolSilent'
        | 'sweepUnavailable'
        | 'internal';
      /** @description Names this request in the logs. */
      requestId: string;
      /** @description With `invalidRequest`, where the request does not fit its schema: each field to correct. */
      fields?: {
        /** @description The field: `body.spec.cpus`. */
        field: string;
        /** @description What is wrong with it. */
        problem: string;
      }[];
      /** @description With `endedBeforeReady`: the VM as it ended. With `vmEnding` and `otherLife`: the VM that has the name. */
      vm?: components['schemas']['Vm'];
    };
    VmList: {
      /** @description VMs of the project, oldest first. */
      vms: components['schemas']['Vm'][];
      /** @description Absent on the last page. */
      nextPageToken?: string;
    };
    Hold: {
      /** @description How long from now on the VM is kept though it is empty; 0 releases a hold. */
      seconds: number;
    };
    Connections: {
      /** @description How many use the VM now; 0 says that the last one has just left. */
      connections: number;
      /** @description For programs that may be killed: the count is over after these seconds, and changes nothing where an agent counts. Default: it holds until the next count. */
      lease?: {
        /** @description Who counts: the counts of several stand beside each other. */
        by: string;
        /** @description For how long it holds unless it is sent again. */
        seconds: number;
      };
    };
    /**
     * @example {
     *       "imageName": "golden-7",
     *       "family": "golden"
     *     }
     */
    Snapshot: {
      /** @description Unique in the project. Default: the family and a number. */
      imageName?: string;
      /** @description The family that the image belongs to. Default: that of the name of the VM. */
      family?: string;
    };
    Timeline: {
      /** @description What happened, oldest first. */
      events: components['schemas']['TimelineEntry'][];
    };
    TimelineEntry: {
      /** @description Counts up through one life; never reused. */
      number: number;
      /**
       * Format: date-time
       * @description When it happened.
       */
      at: string;
      /**
       * @description What happened. `state`: the VM came into `state`; `connections`: the count of its users changed; `hold`: a hold began or was released; `health`: its agent fell silent or reports again; `confirming`: its agent is asked before an empty VM ends; `confirmed`: the agent confirmed that nobody is connected; `forced`: an administrator forced its end; `version`: a newer version of its template serves, for which it makes room, or it need not any more.
       * @enum {string}
       */
      kind: 'state' | 'connections' | 'hold' | 'health' | 'confirming' | 'confirmed' | 'forced' | 'version';
      state: components['schemas']['VmState'];
      reason?: components['schemas']['EndReason'];
      /** @description One sentence more. */
      detail?: string;
      /** @description The new count, where `kind` is `connections`. */
      connections?: number;
    };
    /** @description One thing that happened to a VM. */
    Event: {
      /** @description `<uid>.<number>`: the same wherever and how often it is told. */
      id: string;
      /** @description Counts up through one life of a name; in a timeline it has the same number. */
      number: number;
      kind: components['schemas']['EventKind'];
      /**
       * Format: date-time
       * @description When it happened.
       */
      at: string;
      /** @description Name of the VM. */
      vm: string;
      /** @description The life of the name. */
      uid: string;
      /** @description Template of the VM; absent without one. */
      template?: string;
      /** @description State of the VM after it. Where the VM is in its life. `creating`: its machine is being made, or waits for room; `booting`: the machine is there and not ready yet; `running`: it is ready and serves its users; `draining`: it admits nobody new, and `idle.action` follows when the last user has left; `stopping`: its machine is being stopped; `stopped`: its machine does not run and keeps its disk; a start or a create of its name brings it back; `imaging`: an image is made of its stopped machine; `pendingImage` says which, and whether it ends with that; `starting`: its stopped machine is being started, or waits for room on its host; `suspending`: its machine is being suspended; `suspended`: its machine does not run and keeps its memory and its disk; a resume or a create of its name brings it back; `resuming`: its suspended machine is being resumed; `destroying`: its machine is being removed; `destroyed`: it has ended as it was meant to, and its machine was seen gone; `failed`: it has ended as nobody meant it to; `reason` and `detail` say why. */
      state: components['schemas']['VmState'];
      /**
       * @description Why the VM is stopped, ends or has ended; absent before. `requested`: somebody asked for it; `idle`: nobody used it any more for `idle.timeoutSeconds`, or for a moment where a newer version of its template serves and has `rollIdle`; `neverConnected`: nobody came within `idle.firstConnectTimeoutSeconds`; `maxLifetime`: it was `maxLifetimeSeconds` old; `softLifetime`: it was `softLifetimeSeconds` old, and empty; `drained`: it was drained, and the last user has left; `createFailed`: no machine could be made; `notReady`: the machine was not ready within `readiness.timeoutSeconds`, or its startup script failed; `lost`: its machine is gone, or its agent was silent for too long; `preempted`: the provider took the machine back; `cancelled`: its workflow was cancelled in Temporal; `closed`: it was closed, and its disk is kept in an image: a reopen, or a create of its name, brings it back.
       * @enum {string}
       */
      reason?:
        | 'requested'
        | 'idle'
        | 'neverConnected'
        | 'maxLifetime'
        | 'softLifetime'
        | 'drained'
        | 'createFailed'
        | 'notReady'
        | 'lost'
        | 'preempted'
        | 'cancelled'
        | 'closed';
      /** @description One sentence more. */
      detail?: string;
      /** @description How many use the VM now, with `vm.connections`. */
      connections?: number;
    };
    /**
     * @description What happened to the VM. `vm.creating`: its machine, or another one in its place, is being made; `vm.booting`: its machine is there and boots; `vm.running`: it is ready, or admits users again; `vm.draining`: it admits nobody new; `vm.stopping`: its machine is being stopped; `vm.stopped`: its machine is stopped and keeps its disk; `vm.imaging`: an image is made of its stopped machine; `vm.starting`: its stopped machine is being started; `vm.suspending`: its machine is being suspended; `vm.suspended`: its machine is suspended and keeps its memory; `vm.resuming`: its suspended machine is being resumed; `vm.destroying`: its machine is being removed; `vm.destroyed`: it has ended as it was meant to; `vm.failed`: it has ended as nobody meant it to; `vm.connections`: the count of its users changed; `vm.hold`: a hold began or is over; `vm.health`: its agent fell silent or reports again; `vm.confirming`: its agent is asked before it ends as empty; `vm.confirmed`: its agent confirmed that nobody is connected; `vm.forced`: an administrator forced its end; `vm.version`: it makes room for a newer version of its template, or need not any more.
     * @enum {string}
     */
    EventKind:
      | 'vm.creating'
      | 'vm.booting'
      | 'vm.running'
      | 'vm.draining'
      | 'vm.stopping'
      | 'vm.stopped'
      | 'vm.imaging'
      | 'vm.starting'
      | 'vm.suspending'
      | 'vm.suspended'
      | 'vm.resuming'
      | 'vm.destroying'
      | 'vm.destroyed'
      | 'vm.failed'
      | 'vm.connections'
      | 'vm.hold'
      | 'vm.health'
      | 'vm.confirming'
      | 'vm.confirmed'
      | 'vm.forced'
      | 'vm.version';
    NewWebhook: {
      /** @description Where messages are posted to. Its path may be a secret: it is kept sealed. */
      url: string;
      /** @description Only these kinds of events. What happened to the VM. `vm.creating`: its machine, or another one in its place, is being made; `vm.booting`: its machine is there and boots; `vm.running`: it is ready, or admits users again; `vm.draining`: it admits nobody new; `vm.stopping`: its machine is being stopped; `vm.stopped`: its machine is stopped and keeps its disk; `vm.imaging`: an image is made of its stopped machine; `vm.starting`: its stopped machine is being started; `vm.suspending`: its machine is being suspended; `vm.suspended`: its machine is suspended and keeps its memory; `vm.resuming`: its suspended machine is being resumed; `vm.destroying`: its machine is being removed; `vm.destroyed`: it has ended as it was meant to; `vm.failed`: it has ended as nobody meant it to; `vm.connections`: the count of its users changed; `vm.hold`: a hold began or is over; `vm.health`: its agent fell silent or reports again; `vm.confirming`: its agent is asked before it ends as empty; `vm.confirmed`: its agent confirmed that nobody is connected; `vm.forced`: an administrator forced its end; `vm.version`: it makes room for a newer version of its template, or need not any more. Default: all. */
      kinds?: (
        | 'vm.creating'
        | 'vm.booting'
        | 'vm.running'
        | 'vm.draining'
        | 'vm.stopping'
        | 'vm.stopped'
        | 'vm.imaging'
        | 'vm.starting'
        | 'vm.suspending'
        | 'vm.suspended'
        | 'vm.resuming'
        | 'vm.destroying'
        | 'vm.destroyed'
        | 'vm.failed'
        | 'vm.connections'
        | 'vm.hold'
        | 'vm.health'
        | 'vm.confirming'
        | 'vm.confirmed'
        | 'vm.forced'
        | 'vm.version'
      )[];
      /** @description Only events of the VM of this name. Default: of all. */
      vm?: string;
      /** @description Only events of VMs of this template. Default: of all. */
      template?: string;
      /** @description What it is for. Default: nothing is said. */
      description?: string;
    };
    CreatedWebhook: {
      /** @description What its path and the log of changes call it. */
      id: string;
      /** @description Where messages go. A viewer sees its host alone. */
      url: string;
      /** @description Kinds of events that it is told; absent: all. What happened to the VM. `vm.creating`: its machine, or another one in its place, is being made; `vm.booting`: its machine is there and boots; `vm.running`: it is ready, or admits users again; `vm.draining`: it admits nobody new; `vm.stopping`: its machine is being stopped; `vm.stopped`: its machine is stopped and keeps its disk; `vm.imaging`: an image is made of its stopped machine; `vm.starting`: its stopped machine is being started; `vm.suspending`: its machine is being suspended; `vm.suspended`: its machine is suspended and keeps its memory; `vm.resuming`: its suspended machine is being resumed; `vm.destroying`: its machine is being removed; `vm.destroyed`: it has ended as it was meant to; `vm.failed`: it has ended as nobody meant it to; `vm.connections`: the count of its users changed; `vm.hold`: a hold began or is over; `vm.health`: its agent fell silent or reports again; `vm.confirming`: its agent is asked before it ends as empty; `vm.confirmed`: its agent confirmed that nobody is connected; `vm.forced`: an administrator forced its end; `vm.version`: it makes room for a newer version of its template, or need not any more. */
      kinds?: components['schemas']['EventKind'][];
      /** @description The VM whose events it is told; absent: all. */
      vm?: string;
      /** @description The template of whose VMs it is told; absent: all. */
      template?: string;
      /** @description What it is for. */
      description?: string;
      /**
       * @description How it goes. `active`: it is told what happens; `failing`: it did not take its last messages; they are sent again; `disabled`: it took nothing for days, or said that it takes nothing any more; it is told nothing until it is enabled.
       * @enum {string}
       */
      state: 'active' | 'failing' | 'disabled';
      /** @description Why it fails, or was disabled. */
      detail?: string;
      /** @description Messages that it is still to get. */
      pending: number;
      /**
       * Format: date-time
       * @description Since when it took nothing; absent while it takes messages.
       */
      failingSince?: string;
      /**
       * Format: date-time
       * @description When it is tried again; absent where nothing waits for a time.
       */
      nextAttemptAt?: string;
      /**
       * Format: date-time
       * @description When it was disabled; absent while it is not.
       */
      disabledAt?: string;
      /**
       * Format: date-time
       * @description Ends of VMs from before may be missing: no replica of the API was there. Absent: nothing is.
       */
      lostBefore?: string;
      /**
       * Format: date-time
       * @description When a message was taken last; absent: never.
       */
      lastDeliveredAt?: string;
      /**
       * Format: date-time
       * @description When it was made: it is told what happens from then on.
       */
      createdAt: string;
      /** @description Id of the API key that made it. */
      createdBy: string;
      /** @description The last 20 messages that were sent, the newest first; absent in lists. */
      attempts?: {
        /** @description `id` of the event. */
        eventId: string;
        /** @description Kind of the event; `webhook.test` for a test, `vm.gap` for events that are lost. */
        kind: string;
        /**
         * Format: date-time
         * @description When it was sent.
         */
        at: string;
        /** @description Which try of this message, from 1. */
        number: number;
        /** @description Whether it was taken: any status from 200 to 299. */
        delivered: boolean;
        /** @description Status of the answer; absent where there was none. */
        status?: number;
        /** @description What went wrong. */
        detail?: string;
      }[];
      /** @description By which its messages are verified. Shown this once. */
      secret: string;
    };
    WebhookList: {
      /** @description Those of the project, the oldest first. */
      webhooks: components['schemas']['Webhook'][];
    };
    /** @description An endpoint that is told what happens to the VMs of a project. */
    Webhook: {
      /** @description What its path and the log of changes call it. */
      id: string;
      /** @description Where messages go. A viewer sees its host alone. */
      url: string;
      /** @description Kinds of events that it is told; absent: all. What happened to the VM. `vm.creating`: its machine, or another one in its place, is being made; `vm.booting`: its machine is there and boots; `vm.running`: it is ready, or admits users again; `vm.draining`: it admits nobody new; `vm.stopping`: its machine is being stopped; `vm.stopped`: its machine is stopped and keeps its disk; `vm.imaging`: an image is made of its stopped machine; `vm.starting`: its stopped machine is being started; `vm.suspending`: its machine is being suspended; `vm.suspended`: its machine is suspended and keeps its memory; `vm.resuming`: its suspended machine is being resumed; `vm.destroying`: its machine is being removed; `vm.destroyed`: it has ended as it was meant to; `vm.failed`: it has ended as nobody meant it to; `vm.connections`: the count of its users changed; `vm.hold`: a hold began or is over; `vm.health`: its agent fell silent or reports again; `vm.confirming`: its agent is asked before it ends as empty; `vm.confirmed`: its agent confirmed that nobody is connected; `vm.forced`: an administrator forced its end; `vm.version`: it makes room for a newer version of its template, or need not any more. */
      kinds?: components['schemas']['EventKind'][];
      /** @description The VM whose events it is told; absent: all. */
      vm?: string;
      /** @description The template of whose VMs it is told; absent: all. */
      template?: string;
      /** @description What it is for. */
      description?: string;
      /**
       * @description How it goes. `active`: it is told what happens; `failing`: it did not take its last messages; they are sent again; `disabled`: it took nothing for days, or said that it takes nothing any more; it is told nothing until it is enabled.
       * @enum {string}
       */
      state: 'active' | 'failing' | 'disabled';
      /** @description Why it fails, or was disabled. */
      detail?: string;
      /** @description Messages that it is still to get. */
      pending: number;
      /**
       * Format: date-time
       * @description Since when it took nothing; absent while it takes messages.
       */
      failingSince?: string;
      /**
       * Format: date-time
       * @description When it is tried again; absent where nothing waits for a time.
       */
      nextAttemptAt?: string;
      /**
       * Format: date-time
       * @description When it was disabled; absent while it is not.
       */
      disabledAt?: string;
      /**
       * Format: date-time
       * @description Ends of VMs from before may be missing: no replica of the API was there. Absent: nothing is.
       */
      lostBefore?: string;
      /**
       * Format: date-time
       * @description When a message was taken last; absent: never.
       */
      lastDeliveredAt?: string;
      /**
       * Format: date-time
       * @description When it was made: it is told what happens from then on.
       */
      createdAt: string;
      /** @description Id of the API key that made it. */
      createdBy: string;
      /** @description The last 20 messages that were sent, the newest first; absent in lists. */
      attempts?: {
        /** @description `id` of the event. */
        eventId: string;
        /** @description Kind of the event; `webhook.test` for a test, `vm.gap` for events that are lost. */
        kind: string;
        /**
         * Format: date-time
         * @description When it was sent.
         */
        at: string;
        /** @description Which try of this message, from 1. */
        number: number;
        /** @description Whether it was taken: any status from 200 to 299. */
        delivered: boolean;
        /** @description Status of the answer; absent where there was none. */
        status?: number;
        /** @description What went wrong. */
        detail?: string;
      }[];
    };
    SentMessage: {
      /** @description What is sent: `attempts` of the webhook shows what comes of it. */
      eventId: string;
    };
    Redelivery: {
      /** @description `id` of the event. */
      eventId: string;
    };
    CreateLink: {
      /** @description A TCP port of the VM. */
      port: number;
      /** @description For how long it opens the VM. Default: 86400, a day. */
      expiresInSeconds?: number;
      /** @description For whom it is: the program in the VM is told in the header `X-Ephemera-User`. Default: nobody. */
      user?: string;
    };
    Link: {
      /** @description Opens the port in a browser, for whoever has it. */
      url: string;
      /**
       * Format: date-time
       * @description It opens nothing from then on, nor does a browser that was let in by it.
       */
      expiresAt: string;
    };
    RevokedLinks: {
      /**
       * Format: date-time
       * @description Links that were made until then open nothing any more.
       */
      revokedUntil: string;
    };
    LinkKey: {
      /** @description Ed25519, SPKI in base64. */
      publicKey: string;
      /** @description Whose links it verifies. */
      deployment: string;
      /** @description Project of the key that asks. */
      project: string;
      /**
       * Format: date-time
       * @description Links of the project that were made until then were taken back. Absent: nobody took all of them back.
       */
      revokedUntil?: string;
      /** @description By the name of a VM: those of its links that were made until then were taken back. */
      revokedOfVms: {
        [key: string]: string;
      };
    };
    Exec: {
      /** @description The program and its arguments; for a line of shell, `["sh", "-c", "…"]`. */
      command: string[];
      /** @description Variables besides those of the app. Default: none. */
      env?: {
        [key: string]: string;
      };
      /** @description Directory it starts in. Default: `/`; of a machine that is a process of its host, the directory of that. */
      cwd?: string;
      /** @description What it reads. Default: nothing. */
      stdin?: string;
      /**
       * @description The command is killed after this. Default: 60.
       * @default 60
       */
      timeoutSeconds?: number;
    };
    ExecResult: {
      /** @description Null where a signal ended the command. */
      exitCode: number | null;
      /** @description That signal: `SIGKILL`. */
      signal?: string;
      /** @description Whether it was killed because its time was over. */
      timedOut: boolean;
      /** @description Read as UTF-8. */
      stdout: string;
      /** @description Read as UTF-8. */
      stderr: string;
      /** @description Whether it printed more than the 1048576 bytes of each that are here. */
      truncated: boolean;
    };
    FilesWritten: {
      /** @description Name of the VM. */
      name: string;
      /** @description Where the tar was unpacked. */
      path: string;
    };
    /** @description The templates that creates of the project may name. */
    TemplateList: {
      /** @description Those of the project and the built-in ones, by name. */
      templates: components['schemas']['Template'][];
    };
    /** @description What creates are made from when they name it. */
    Template: {
      /** @description Name of the template, unique in the project. */
      name: string;
      /** @description Project of the template. */
      project: string;
      /** @description The newest version: the one that was put last. */
      version: number;
      /** @description The version that creates get: the newest one, unless that is held back. */
      servingVersion: number;
      /** @description True where it comes with Ephemera and nobody has put one of its name. */
      builtIn: boolean;
      /** @description Of the newest version, as it was put. */
      spec: components['schemas']['TemplateSpec'];
      /** @description Of the newest version; absent where none wait. `/v1/pools` shows them. */
      warm?: {
        /** @description Machines that wait, whatever the demand. */
        min: number;
        /** @description Never more machines than this, those that are being made included. */
        max: number;
        /** @description A machine that nobody claimed for so long is replaced. */
        ttlSeconds: number;
        /** @description Whether nothing is made and nothing waits. Default: false. */
        paused?: boolean;
        /** @description Other limits from certain times on: those of the entry that fired last count until another one fires. Default: none. */
        schedule?: {
          /** @description Minute, hour, day of month, month and weekday; with lists, ranges, steps and English names. */
          cron: string;
          /** @description IANA name of the time zone that `cron` is read in. Default: UTC. */
          timezone?: string;
          /** @description Machines that wait from then on, whatever the demand. */
          min: number;
          /** @description Never more machines from then on. Default: `max` of `warm`. */
          max?: number;
        }[];
      };
      /**
       * @description Which VM of the template that is there already a create without a name may get. `none`: none; `empty`: one that drains and has no users, or is stopped; its machine is reset, so nothing of what was in it is left; `shared`: one that drains, with the users that are in it, or one that is stopped, which is reset.
       * @enum {string}
       */
      reuse: 'none' | 'empty' | 'shared';
      /** @description Whether VMs of earlier versions make room as soon as this one has been ready: once nobody has used them for 30 s, `idle.action` follows. VMs in use stay, and so do those whose create named the version. */
      rollIdle: boolean;
      /** @description Present while the newest version is held back. */
      heldBack?: {
        /** @description The version that is held back: always the newest one. */
        version: number;
        /**
         * Format: date-time
         * @description Since when.
         */
        since: string;
        /** @description Creates in a row that failed. */
        failures: number;
        /** @description Why the last one of them failed. */
        reason: string;
        /** @description How it is tried again. */
        todo: string;
      };
      /** @description The versions that are kept, oldest first. */
      versions: {
        /** @description Counts up; never reused. */
        version: number;
        /**
         * @description What its creates have shown. `unproven`: none of them has been ready yet; `good`: one of them was ready; `heldBack`: several in a row failed and none was ready, so that it serves no creates while another version can.
         * @enum {string}
         */
        state: 'unproven' | 'good' | 'heldBack';
        /**
         * Format: date-time
         * @description When it was put; absent for a built-in one.
         */
        createdAt?: string;
        /** @description Id of the API key that put it; absent for a built-in one. */
        createdBy?: string;
        /** @description Its creates in a row that failed, while none was ready; absent for none. */
        failures?: number;
        /** @description Why the last one of them failed. */
        lastFailure?: string;
      }[];
    };
    /** @description What creates of the template get, unless they say otherwise themselves: the fields of a create, without `name`, `template`, `secretEnv` and `startupScript`; those two are sent with each create. */
    TemplateSpec: {
      /**
       * @description Who makes the machine. `local`: processes on this computer, each with a loopback address of its own; no virtual machines; `qemu`: virtual machines on hosts of your own, with KVM where it works; `gcp`: instances of Google Compute Engine; `ec2`: instances of Amazon EC2; `digitalocean`: droplets of DigitalOcean; `azure`: virtual machines of Microsoft Azure. Default: the first one of the deployment.
       * @enum {string}
       */
      provider?: 'local' | 'qemu' | 'gcp' | 'ec2' | 'digitalocean' | 'azure';
      /** @description What the machine boots: a name that the provider knows. Default: none, so that a request names it. */
      image?: string;
      /** @description What the VM is for, in words for people. Default: none. */
      description?: string;
      /** @description Zones of the provider, or of our own hosts, tried in this order. Default: those of the deployment, where there are any. */
      zones?: string[];
      /** @description Labels that the host of the machine must have, where hosts of ours run machines. Default: any host. */
      hostSelector?: {
        [key: string]: string;
      };
      /** @description Virtual processors. Not enforced on `local`, whose machines are processes of the host and may use all of it. Default: 1. */
      cpus?: number;
      /** @description Memory in MiB. Not enforced on `local`, whose machines are processes of the host and may use all of it. Default: 512. */
      memoryMb?: number;
      /** @description Size of the disk in GiB. Default: as big as the image. */
      diskGb?: number;
      /** @description A machine type of the provider, instead of `cpus` and `memoryMb`. Default: chosen by `cpus` and `memoryMb`. */
      machineType?: string;
      /** @description A network or subnetwork of the provider. Default: the first one that the deployment allows. */
      network?: string;
      /** @description Whether the machine has an address on the internet. Default: false. */
      externalIp?: boolean;
      /** @description Whether the provider may take the machine back at any time, for a lower price. Default: false. */
      spot?: boolean;
      /** @description What the machine may reach. True: the internet. A list, where the provider can: what its rules name, as `443/tcp`, `27000-27100/udp`, `192.0.2.0/24` or `198.51.100.7/32:8080/tcp` (docs/networking.md). Default: `false`, nothing. */
      egress?: boolean | string[];
      /** @description Yours to find VMs by: `?label=key=value`. Default: {}. */
      labels?: {
        [key: string]: string;
      };
      /** @description Environment of the app in the machine. Everybody who reads the VM reads it: secrets belong into `secretEnv`. Default: {}. */
      env?: {
        [key: string]: string;
      };
      /** @description What cloud-init in the machine does at its first boot, where the image has cloud-init: a `#cloud-config`, or a script that begins with `#!`. Everybody who reads the VM reads it, and so does whoever is in the machine: secrets belong into `secretEnv`. Default: nothing. */
      userData?: string;
      /** @description Ports that the app listens on. Names and port/protocol pairs are unique. Default: none. */
      ports?: {
        /** @description Name of the port, unique in the VM. */
        name: string;
        /** @description Port in the machine, and at its address. */
        port: number;
        /**
         * @description What the port takes. `tcp`: connections; `udp`: datagrams, where the provider can. Default: `tcp`.
         * @enum {string}
         */
        protocol?: 'tcp' | 'udp';
      }[];
      /** @description When the VM counts as ready. Default: each field has its own. */
      readiness?: {
        /**
         * @description When the VM counts as ready. `agent`: the agent in the machine says so; `http`: a GET of `path` on `port` answers 2xx or 3xx; `tcp`: `port` takes a connection; `machine`: the machine runs. Default: `agent`.
         * @enum {string}
         */
        kind?: 'agent' | 'http' | 'tcp' | 'machine';
        /** @description TCP port that is asked, with `http` and `tcp`. Default: the only TCP port. */
        port?: number;
        /** @description Path that is asked, with `http`. Default: `/`. */
        path?: string;
        /** @description The VM ends as `notReady` when it is not ready this long after its machine was made. Default: 120. */
        timeoutSeconds?: number;
      };
      /** @description When nobody uses the VM any more. Default: each field has its own. */
      idle?: {
        /** @description The VM ends when nobody has been connected for this long after use. Default: 300. */
        timeoutSeconds?: number;
        /** @description The VM ends when it has been ready for this long and nobody ever connected. Default: 600. */
        firstConnectTimeoutSeconds?: number;
        /** @description When the agent has not reported for this long its count is unknown and the provider is asked whether the machine runs; after as long again the VM ends as `lost`. Default: 300. */
        silenceTimeoutSeconds?: number;
        /**
         * @description What follows then, and when a drain is through. `destroy`: the VM ends and its machine is removed; `stop`: its machine is stopped and keeps its disk, until somebody starts it or asks for its name; `suspend`: its memory is kept too, where the provider can; it is stopped where it cannot be suspended; `close`: it is kept as an image, where the provider can; `none`: nothing: it stays, empty or not. Default: `destroy`.
         * @enum {string}
         */
        action?: 'destroy' | 'stop' | 'suspend' | 'close' | 'none';
        /** @description A stopped VM ends when nobody has started it for this long; one that is suspended is stopped then. Default: at the end of `maxLifetimeSeconds`, which counts in any case. */
        retentionSeconds?: number;
      };
      /** @description From this age on the VM ends as soon as it is empty. Default: never. */
      softLifetimeSeconds?: number;
      /** @description At this age the VM ends, whoever uses it. Null: never; it stays until it is destroyed, which needs `idle.action` `none`. Default: 86400. */
      maxLifetimeSeconds?: number | null;
      /**
       * @description What follows when the machine is lost. `destroy`: the VM ends as `lost` or `preempted`; `recreate`: it gets a new machine under its name, at most five times. Default: `destroy`.
       * @enum {string}
       */
      onLost?: 'destroy' | 'recreate';
      /** @description Which ways in through the agent are open to holders of keys: `ports` to connect to its TCP ports, `exec` to run commands, `files` to read and write files. An empty list shuts all. Default: all of them. */
      remoteAccess?: ('ports' | 'exec' | 'files')[];
    };
    /**
     * @example {
     *       "spec": {
     *         "image": "vm-server",
     *         "ports": [
     *           {
     *             "name": "http",
     *             "port": 8080
     *           }
     *         ]
     *       }
     *     }
     */
    PutTemplate: {
      spec: components['schemas']['TemplateSpec'];
      /**
       * @description Which VM of the template that is there already a create without a name may get. `none`: none; `empty`: one that drains and has no users, or is stopped; its machine is reset, so nothing of what was in it is left; `shared`: one that drains, with the users that are in it, or one that is stopped, which is reset. Default: `none`.
       * @enum {string}
       */
      reuse?: 'none' | 'empty' | 'shared';
      /** @description Whether VMs of earlier versions make room as soon as this one has been ready: once nobody has used them for 30 s, `idle.action` follows. VMs in use stay, and so do those whose create named the version. Default: false. */
      rollIdle?: boolean;
      /** @description Machines that are made before anybody asks, where the provider can. Default: none. */
      warm?: {
        /** @description Machines that wait, whatever the demand. */
        min: number;
        /** @description Never more machines than this, those that are being made included. */
        max: number;
        /** @description A machine that nobody claimed for so long is replaced. */
        ttlSeconds: number;
        /** @description Whether nothing is made and nothing waits. Default: false. */
        paused?: boolean;
        /** @description Other limits from certain times on: those of the entry that fired last count until another one fires. Default: none. */
        schedule?: {
          /** @description Minute, hour, day of month, month and weekday; with lists, ranges, steps and English names. */
          cron: string;
          /** @description IANA name of the time zone that `cron` is read in. Default: UTC. */
          timezone?: string;
          /** @description Machines that wait from then on, whatever the demand. */
          min: number;
          /** @description Never more machines from then on. Default: `max` of `warm`. */
          max?: number;
        }[];
      };
    };
    /** @description What was asked is kept; look at the template to see it done. */
    TemplateAccepted: {
      /** @description Name of the template. */
      name: string;
      /** @description Project of the template. */
      project: string;
    };
    /** @description The pools of a project. */
    PoolList: {
      /** @description Each pool of the project, in the order of their templates. */
      pools: components['schemas']['Pool'][];
    };
    /** @description Machines of one template that wait for a VM. */
    Pool: {
      /** @description Name of the template whose machines wait. */
      template: string;
      /** @description Version that new machines are made from; null before the pool knows one. */
      version: number | null;
      /** @description Machines that wait whatever the demand; by the schedule, where there is one. */
      min: number;
      /** @description Never more machines than this, those that are being made included. */
      max: number;
      /** @description Nothing is made, and nothing waits. */
      paused: boolean;
      /** @description When the schedule changes `min` and `max` next, and to what; absent where it does not. */
      nextLimits?: {
        /**
         * Format: date-time
         * @description When they change.
         */
        at: string;
        /** @description `min` from then on. */
        min: number;
        /** @description `max` from then on. */
        max: number;
      };
      /** @description Machines that shall wait now: as many as were claimed within a minute, within the limits. */
      desired: number;
      /** @description Machines that wait. */
      ready: number;
      /** @description Machines that are being made. */
      inFlight: number;
      /** @description Claims that got a machine, since the pool began. */
      claimed: number;
      /** @description Claims that found none: their VMs were made anew. */
      missed: number;
      /** @description Machines that never got ready. */
      failed: number;
      /** @description What the pool waits for; null: for claims. */
      waitsFor: string | null;
    };
    /** @description How the numbers of a pool went. */
    PoolHistory: {
      /** @description Name of the template whose pool it is. */
      template: string;
      /**
       * Format: date-time
       * @description From then on it is known; absent while nothing is.
       */
      since?: string;
      /** @description The oldest first; one a minute at most, and none where nothing changed. */
      samples: {
        /** @description Machines that shall wait now: as many as were claimed within a minute, within the limits. */
        desired: number;
        /** @description Machines that wait. */
        ready: number;
        /** @description Machines that are being made. */
        inFlight: number;
        /** @description Claims that got a machine, since the pool began. */
        claimed: number;
        /** @description Claims that found none: their VMs were made anew. */
        missed: number;
        /** @description Machines that never got ready. */
        failed: number;
        /**
         * Format: date-time
         * @description From then on these are its numbers, until the next sample.
         */
        at: string;
      }[];
    };
    /** @description The names of a project that were closed. */
    SessionList: {
      /** @description Those of the project, by name. */
      sessions: components['schemas']['Session'][];
    };
    /** @description A name that was closed, with what is kept of it. */
    Session: {
      /** @description The name that was closed, and can be reopened. */
      name: string;
      /** @description The family of its images. */
      family: string;
      /** @description Name of the image that a reopen takes: its newest one that is ready. */
      image: string;
      /** @description How many images there are of it. */
      images: number;
      /** @description What the newest one takes; absent where the provider does not say. */
      sizeBytes?: number;
      /** @description The host that has it; absent in a cloud. */
      host?: string;
      /**
       * Format: date-time
       * @description When it was closed last.
       */
      closedAt: string;
      /** @description How long ago that was. */
      ageSeconds: number;
      /** @description Whether a VM of this name lives now: then it can be reopened after its end. */
      live: boolean;
    };
    /** @description The images of a project. */
    ImageList: {
      /** @description Those of the project, by family, oldest first. */
      images: components['schemas']['Image'][];
    };
    /** @description An image of the disk of a VM, which other VMs can start from. */
    Image: {
      /** @description Its name; its id where it was not made, or is not yet. */
      name: string;
      /** @description As its provider knows it. */
      imageId: string;
      /** @description The line of images that it belongs to; a VM that is closed has one of its own name. */
      family: string;
      /**
       * @description What can be done with it. `pending`: it is being made, or will be once its machine is stopped; `ready`: VMs can start from it; `dirty`: a later close has taken its place; `failed`: it was not made; `detail` says why, and nothing is left of it; `deleting`: it is being removed where it is.
       * @enum {string}
       */
      state: 'pending' | 'ready' | 'dirty' | 'failed' | 'deleting';
      /**
       * @description What it was made for. `close`: its VM was closed; `snapshot`: somebody asked for a snapshot.
       * @enum {string}
       */
      origin: 'close' | 'snapshot';
      /** @description Name of the VM that it was made from. */
      vm: string;
      /** @description Its provider; absent where it was not made. */
      provider?: string;
      /** @description The host that alone has it; absent in a cloud. */
      host?: string;
      /** @description What it takes; absent where the provider does not say. */
      sizeBytes?: number;
      /**
       * Format: date-time
       * @description When it was made, asked for, or failed.
       */
      createdAt: string;
      /** @description How long ago that was. */
      ageSeconds: number;
      /**
       * Format: date-time
       * @description Since when a later close has its place; absent while none has.
       */
      dirtySince?: string;
      /**
       * Format: date-time
       * @description When it goes by itself, unless a VM that lives began with it; absent where it stays: the last one of a family or session always does.
       */
      deletedAfter?: string;
      /** @description Why it was not made. */
      detail?: string;
      /** @description Names of the live VMs that started from it. */
      usedBy: string[];
    };
    /** @description The machine images of the deployment. */
    MachineImageList: {
      /** @description Each image, by name. */
      images: components['schemas']['MachineImage'][];
    };
    /** @description An image that somebody registered, which machines boot. */
    MachineImage: {
      /** @description What specs name as `image`. */
      name: string;
      /** @description The provider whose machines boot it. */
      provider: string;
      /** @description The version that new machines get; those that are there keep theirs. */
      latest: string;
      /** @description Those that hosts have, the latest first. */
      versions: {
        /** @description The same on every host; `name@version` as the `image` of a VM means this one alone. */
        version: string;
        /**
         * @description What it is. `qcow2`: a disk image; `container`: made of a container image.
         * @enum {string}
         */
        kind: 'qcow2' | 'container';
        /** @description Of its content, by which every host that fetches it checks it. */
        sha256: string;
        /** @description What it takes on a host. */
        sizeBytes: number;
        /** @description The least disk of a VM of it. */
        diskGb: number;
        /**
         * Format: date-time
         * @description When it was registered.
         */
        addedAt: string;
        /** @description Where it can be had too; absent: only from hosts that have it. */
        url?: string;
        /** @description The hosts that have it. */
        hosts: {
          /** @description Id of the host. */
          host: string;
          /**
           * @description What it does. `ready`: it takes new VMs; `cordoned`: it takes no new ones; those it has go on; `draining`: it takes no new ones, and those it has end when their users have left; `away`: it does not answer; `lostAt` says until when it may return; `lost`: its machines count as lost.
           * @enum {string}
           */
          state: 'ready' | 'cordoned' | 'draining' | 'away' | 'lost';
          /**
           * @description How it came there. `registered`: somebody registered it there, and it stays until it is removed; `fetched`: from another host, and it makes room for others when no machine there has it.
           * @enum {string}
           */
          origin: 'registered' | 'fetched';
          /** @description Machines of that host whose disks lie over it, as it said last. */
          machines: number;
        }[];
      }[];
    };
    /** @description The hosts of the deployment. */
    HostList: {
      /** @description Each host, in the order of their ids. */
      hosts: components['schemas']['Host'][];
    };
    /** @description A computer that runs machines. */
    Host: {
      /** @description Id of the host. */
      id: string;
      /** @description Zone that it is in; absent where it has none. */
      zone?: string;
      /** @description What specs choose it by, with `hostSelector`. */
      labels: {
        [key: string]: string;
      };
      /**
       * @description What it does. `ready`: it takes new VMs; `cordoned`: it takes no new ones; those it has go on; `draining`: it takes no new ones, and those it has end when their users have left; `away`: it does not answer; `lostAt` says until when it may return; `lost`: its machines count as lost.
       * @enum {string}
       */
      state: 'ready' | 'cordoned' | 'draining' | 'away' | 'lost';
      /** @description Providers that it runs machines for. */
      provider: string[];
      /** @description What it gives to machines. */
      capacity: {
        /** @description Virtual cpus. */
        cpus: number;
        /** @description Memory in MB. */
        memoryMb: number;
        /** @description Disk in GB. */
        diskGb: number;
      };
      /** @description What is left of that, as it said last. */
      free: {
        /** @description Virtual cpus. */
        cpus: number;
        /** @description Memory in MB. */
        memoryMb: number;
        /** @description Disk in GB. */
        diskGb: number;
      };
      /** @description Machines on it, as it said last. */
      machines: number;
      /** @description Version of Ephemera that it runs. */
      version: string;
      /**
       * Format: date-time
       * @description When it reported last; of one that is away, when that was noticed.
       */
      lastSeenAt: string;
      /**
       * Format: date-time
       * @description When its machines count as lost, where it is away.
       */
      lostAt?: string;
    };
    JoinToken: {
      /** @description Lets one computer join as a host, once. */
      token: string;
      /**
       * Format: date-time
       * @description The token is worth nothing from then on.
       */
      expiresAt: string;
      /** @description What to type on that computer, in its checkout. */
      command: string;
    };
    HostJoin: {
      /** @description What the host calls itself; unique in the deployment. */
      hostId: string;
      /** @description Made up by the host once and kept: with it, it may ask again when the answer was lost. */
      hostKey: string;
      /** @description Which key its internal endpoint has, and that it has it: its bearer is good for that alone. */
      endpoint: {
        /**
         * Format: base64
         * @description SPKI of its P-256 key, in base64.
         */
        publicKey: string;
        /**
         * Format: base64
         * @description By that key, for this token and host id.
         */
        signature: string;
      };
      /** @description Whose machines it will run. Default: all of the deployment that run on hosts. */
      providers?: string[];
    };
    /** @description What a host needs, and secret: it is kept by the host alone. */
    HostJoined: {
      /** @description Name of the deployment, in the labels of its machines. */
      deployment: string;
      /** @description Version of the API. */
      version: string;
      /** @description Whose machines the host will run. */
      providers: string[];
      /** @description Where machines reach the API. */
      apiUrl: string;
      /** @description Task queue of the workflows; those of the hosts derive from it. */
      controlTaskQueue: string;
      /** @description After this long without its lease a host counts as lost, and stops its machines before. */
      hostLostSeconds: number;
      /** @description Where and how the host reaches Temporal. */
      temporal: {
        /** @description `host:port`, as the API reaches it. */
        address: string;
        /** @description Namespace of the deployment. */
        namespace: string;
        /** @description Absent: the server speaks no TLS. */
        tls?: {
          /** @description Name in the certificate of the server, if it is another. */
          serverName?: string;
          /** @description PEM by which the server is known; absent: the authorities of the host. */
          serverCa?: string;
          /** @description PEM with which the host shows who it is. */
          clientCert?: string;
          /** @description PEM with the key of that certificate. */
          clientKey?: string;
        };
        /** @description API key for Temporal; none of Ephemera. */
        apiKey?: string;
        /** @description Sent with every call to Temporal. */
        headers?: {
          [key: string]: string;
        };
      };
      /** @description Derived from the deployment's secret, in hex; the secret itself stays with the API. */
      keys: {
        /** @description By which it knows what the API started. */
        'start-signature': string;
        /** @description By which it opens what the API sealed for its machines. */
        'sealed-input/seal': string;
        /** @description By which it, and no other host, knows the API when that asks for a console. */
        'own-bearer': string;
      };
    };
    AgentExchange: {
      /** @description The one-time bootstrap secret, or the proof of an instance of a cloud. */
      secret: string;
      /** @description Made up by the agent once, so that a lost reply can be asked for again. */
      nonce: string;
    };
    AgentExchangeReply: {
      /** @description Report token: the bearer of `POST /v1/agent/report`. */
      token: string;
      /** @description When to report again if nothing happens before. */
      nextReportSeconds: number;
    };
    AgentReport: {
      /** @description Grows with every report of a machine, across restarts of its agent. */
      sequence: number;
      /** @description Users connected now. */
      connections: number;
      /** @description Whether the app answers. */
      ready: boolean;
      /** @description How long the count has been the same. */
      calmMs: number;
      /** @description `forwarded` of the answer before; null at first. */
      forwarded: components['schemas']['ForwardedState'] | null;
      /** @description `confirm` of the answer before, if it had one: the count was taken since. Default: it answers no question. */
      answers?: string;
      assigned?: components['schemas']['AssignmentState'];
    };
    ForwardedState: {
      /** @description Sequence of the report that was forwarded last. */
      sequence: number;
      /** @description The count in it. */
      connections: number;
      /** @description How long ago that was. */
      ageMs: number;
      /** @description Changes of the count that may still be forwarded. */
      tokens: number;
      /** @description Times that the leaving of the last user may still be forwarded. Default: all of them. */
      edgeTokens?: number;
    };
    /** @description What became of the assignment. Default: the agent has none. */
    AssignmentState:
      | {
          /**
           * @description What became of the assignment. `underway`: its startup script runs; `done`: it was carried out; `failed`: its startup script failed.
           * @enum {string}
           */
          state: 'underway' | 'done';
        }
      | {
          /**
           * @description What became of the assignment. `underway`: its startup script runs; `done`: it was carried out; `failed`: its startup script failed.
           * @constant
           */
          state: 'failed';
          /** @description How the startup script ended. */
          end: {
            /** @description Null when the script did not end by itself. */
            exitCode: number | null;
            /**
             * @description Why the script ended. `exited`: by itself, with `exitCode`; `timedOut`: it took too long and was killed; `killed`: something else killed it; `unstartable`: its interpreter is not there; `interrupted`: the agent ended while it ran.
             * @enum {string}
             */
            cause: 'exited' | 'timedOut' | 'killed' | 'unstartable' | 'interrupted';
          };
        };
    AgentReportReply: {
      /** @description When to report again if nothing happens before. */
      nextReportSeconds: number;
      /** @description To be sent with the next report: no replica remembers it. */
      forwarded: components['schemas']['ForwardedState'] | null;
      /** @description Whether the app should admit nobody new. */
      draining: boolean;
      /** @description A question that waits for a fresh count: name it in the next `answers`. */
      confirm?: string;
      /** @description A newer report token, to be used from now on. */
      token?: string;
      assignment?: components['schemas']['Assignment'];
      /** @description Id of the machine, where it said before that it has its sealed input: it is not given again. */
      assignedBefore?: string;
      /** @description The API wants `GET /v1/agent/link`, through which it reaches programs of the machine. Default: false. */
      streams?: boolean;
      /** @description The machine waits in a pool: report on; a 401 means that it has its VM, or has ended. Default: false. */
      waits?: boolean;
    };
    /** @description For a machine with sealed input, until its reports say that it has it. */
    Assignment: {
      /** @description The machine that it is for. */
      machineId: string;
      /** @description Name of its VM. */
      name: string;
      /** @description Project of its VM. */
      project: string;
      /** @description Environment of the app. */
      env: {
        [key: string]: string;
      };
      /** @description Secret environment of the app. */
      secretEnv: {
        [key: string]: string;
      };
      /** @description Runs once before the app lets anybody in; null: there is none. */
      startupScript: string | null;
      /** @description How long the script may take. */
      timeoutSeconds: number;
    };
    SignIn: {
      /** @description An API key. */
      key: string;
    };
    /** @description A session of a browser, whose other half is a cookie. */
    SignedIn: {
      /** @description Project of the key. */
      project: string;
      /**
       * @description Role of the key. `viewer`: looks; `operator`: also makes and changes VMs, templates and images of the project; `admin`: also changes what concerns the whole deployment.
       * @enum {string}
       */
      role: 'viewer' | 'operator' | 'admin';
      /** @description Id of the key. */
      keyId: string;
      /**
       * Format: date-time
       * @description When the session ends; sooner if its key does.
       */
      expiresAt: string;
      /** @description For the header `X-Ephemera-Session` of each request of the page that signed in. */
      proof: string;
    };
    /** @description Who asks. */
    BrowserSession: {
      /** @description Project of the key. */
      project: string;
      /**
       * @description Role of the key. `viewer`: looks; `operator`: also makes and changes VMs, templates and images of the project; `admin`: also changes what concerns the whole deployment.
       * @enum {string}
       */
      role: 'viewer' | 'operator' | 'admin';
      /** @description Id of the key. */
      keyId: string;
      /**
       * Format: date-time
       * @description When the session ends; absent for a request with a key.
       */
      expiresAt?: string;
    };
    /** @description One report for each provider, or for each host where machines are known to their host alone. */
    Sweep: {
      /** @description One for each provider. */
      sweeps: {
        /**
         * Format: date-time
         * @description When it was looked.
         */
        at: string;
        /** @description Nothing was changed. */
        dryRun: boolean;
        /** @description Machines whose VM lives, of all projects. */
        owned: number;
        /** @description Machines that were found and are not owned. */
        machines: {
          /** @description The machine. */
          machineId: string;
          /** @description Who made it. */
          provider: string;
          /** @description Workflow id of its owner; hosts of an earlier version do not say it. */
          owner?: string;
          /** @description Project of the VM that it was made for; empty where its owner is no VM. */
          project: string;
          /** @description What people call its owner: the name of a VM. */
          vm: string;
          /**
           * @description Whose it is. `owned`: its owner runs; `young`: too new to tell; `orphan`: its owner has ended or has another machine: a sweep removes it; `unknown`: its owner could not be asked for this time; it is left alone; `unattributed`: no trace of its owner was found: it is never touched.
           * @enum {string}
           */
          verdict: 'owned' | 'young' | 'orphan' | 'unattributed' | 'unknown';
          /**
           * @description What was done about it. `none`: nothing, as always in a dry run; `destroyed`: it was removed; `deferred`: the sweep had no time left for it; the next one goes on; `destroyFailed`: it could not be removed; the next sweep tries again.
           * @enum {string}
           */
          action: 'none' | 'destroyed' | 'destroyFailed' | 'deferred';
        }[];
        /** @description VMs whose machine is gone. */
        lost: {
          /** @description Workflow of the VM whose machine is gone. */
          workflowId: string;
          /** @description The machine that is gone. */
          machineId: string;
          /**
           * @description What was done about it. `none`: nothing, as always in a dry run; `notified`: the VM was notified.
           * @enum {string}
           */
          action: 'none' | 'notified';
        }[];
      }[];
    };
    /** @description The last sweeps, and what each did. */
    SweepRunList: {
      /** @description The newest first. */
      runs: {
        /**
         * Format: date-time
         * @description When it began.
         */
        startedAt: string;
        /**
         * Format: date-time
         * @description When it ended; absent while it runs.
         */
        endedAt?: string;
        /**
         * @description What became of it. `running`: it goes on; `completed`: it is through; `failed`: it could not be done; the next one does its work; `timedOut`: nobody did it in time; `terminated`: somebody has ended it; `cancelled`: somebody has asked it to end.
         * @enum {string}
         */
        state: 'running' | 'completed' | 'failed' | 'timedOut' | 'terminated' | 'cancelled';
        /** @description Its workflow. */
        workflowId: string;
        /** @description The run of that. */
        runId: string;
        /** @description What it found and did: one for each provider, or for each host; none of hosts that were away. */
        reports: {
          /**
           * Format: date-time
           * @description When it was looked.
           */
          at: string;
          /** @description Nothing was changed. */
          dryRun: boolean;
          /** @description Machines whose VM lives, of all projects. */
          owned: number;
          /** @description Machines that were found and are not owned. */
          machines: {
            /** @description The machine. */
            machineId: string;
            /** @description Who made it. */
            provider: string;
            /** @description Workflow id of its owner; hosts of an earlier version do not say it. */
            owner?: string;
            /** @description Project of the VM that it was made for; empty where its owner is no VM. */
            project: string;
            /** @description What people call its owner: the name of a VM. */
            vm: string;
            /**
             * @description Whose it is. `owned`: its owner runs; `young`: too new to tell; `orphan`: its owner has ended or has another machine: a sweep removes it; `unknown`: its owner could not be asked for this time; it is left alone; `unattributed`: no trace of its owner was found: it is never touched.
             * @enum {string}
             */
            verdict: 'owned' | 'young' | 'orphan' | 'unattributed' | 'unknown';
            /**
             * @description What was done about it. `none`: nothing, as always in a dry run; `destroyed`: it was removed; `deferred`: the sweep had no time left for it; the next one goes on; `destroyFailed`: it could not be removed; the next sweep tries again.
             * @enum {string}
             */
            action: 'none' | 'destroyed' | 'destroyFailed' | 'deferred';
          }[];
          /** @description VMs whose machine is gone. */
          lost: {
            /** @description Workflow of the VM whose machine is gone. */
            workflowId: string;
            /** @description The machine that is gone. */
            machineId: string;
            /**
             * @description What was done about it. `none`: nothing, as always in a dry run; `notified`: the VM was notified.
             * @enum {string}
             */
            action: 'none' | 'notified';
          }[];
        }[];
      }[];
    };
    /** @description The API keys of the deployment. */
    KeyList: {
      /** @description Each key of every project, those that have ended too, in the order they were made. */
      keys: components['schemas']['Key'][];
    };
    /** @description What is kept of an API key; never the key. */
    Key: {
      /** @description Names the key in lists and in the audit log. */
      id: string;
      /** @description Whose VMs it is for. */
      project: string;
      /**
       * @description What the key may do. `viewer`: look; `operator`: also create VMs and change them; `admin`: also what concerns the whole deployment, keys among it.
       * @enum {string}
       */
      role: 'viewer' | 'operator' | 'admin';
      /** @description What it is for; absent where nobody said it. */
      label?: string;
      /** @description The end of the key, by which people tell it from others. */
      lastFour?: string;
      /**
       * Format: date-time
       * @description When it was made.
       */
      createdAt: string;
      /**
       * Format: date-time
       * @description From then on it is refused; absent: never.
       */
      expiresAt?: string;
      /**
       * Format: date-time
       * @description When it was revoked.
       */
      revokedAt?: string;
      /**
       * @description Whether it is accepted. `good`: it is; `expired`: its time is over; `revoked`: somebody has ended it.
       * @enum {string}
       */
      state: 'good' | 'expired' | 'revoked';
      /** @description It is the key of this request. */
      isCaller: boolean;
    };
    KeyOrder: {
      /** @description Whose VMs the key is for. */
      project: string;
      /**
       * @description What the key may do. `viewer`: look; `operator`: also create VMs and change them; `admin`: also what concerns the whole deployment, keys among it.
       * @enum {string}
       */
      role: 'viewer' | 'operator' | 'admin';
      /** @description What it is for, in lists. Default: none. */
      label?: string & (unknown & unknown);
      /**
       * Format: date-time
       * @description From then on the key is refused; a time to come. Default: never.
       */
      expiresAt?: string;
    };
    /** @description A key that was just made. */
    MadeKey: {
      /** @description Names the key in lists and in the audit log. */
      id: string;
      /** @description Whose VMs it is for. */
      project: string;
      /**
       * @description What the key may do. `viewer`: look; `operator`: also create VMs and change them; `admin`: also what concerns the whole deployment, keys among it.
       * @enum {string}
       */
      role: 'viewer' | 'operator' | 'admin';
      /** @description What it is for; absent where nobody said it. */
      label?: string;
      /** @description The end of the key, by which people tell it from others. */
      lastFour?: string;
      /**
       * Format: date-time
       * @description When it was made.
       */
      createdAt: string;
      /**
       * Format: date-time
       * @description From then on it is refused; absent: never.
       */
      expiresAt?: string;
      /**
       * Format: date-time
       * @description When it was revoked.
       */
      revokedAt?: string;
      /**
       * @description Whether it is accepted. `good`: it is; `expired`: its time is over; `revoked`: somebody has ended it.
       * @enum {string}
       */
      state: 'good' | 'expired' | 'revoked';
      /** @description It is the key of this request. */
      isCaller: boolean;
      /** @description The key itself. It is in this answer alone, and kept nowhere. */
      key: string;
    };
    KeyRotation: {
      /** @description How long the old key goes on beside the new one. Default: 0, it ends now. */
      overlapSeconds?: number;
      /**
       * Format: date-time
       * @description From then on the key is refused; a time to come. Default: never.
       */
      expiresAt?: string;
    };
    /** @description Who did what. */
    AuditPage: {
      /** @description The newest first. */
      entries: components['schemas']['AuditEntry'][];
      /** @description Lines that were passed over because they are no entries; 0 unless the file is damaged. */
      unreadable: number;
      /** @description For the page with what is older; absent on the last one. A page before the last may hold few entries, or none. */
      nextPageToken?: string;
    };
    /** @description One change, or one attempt to change something. */
    AuditEntry: {
      /**
       * Format: date-time
       * @description When it was answered.
       */
      at: string;
      /** @description Names the request in the answer and in the log. */
      requestId: string;
      /** @description Where it came from, or the proxy that it came through. */
      remoteAddress: string;
      /** @description Who: id of the key; absent where no key of ours was shown. */
      keyId?: string;
      /** @description Role of that key. */
      role?: string;
      /** @description Project of that key. */
      project?: string;
      /** @description What was asked for, as `operationId` of this document has it. */
      action: string;
      /** @description HTTP method. */
      method: string;
      /** @description Path as this document has it. */
      path: string;
      /** @description Name of the VM that it was about; absent where it was about none. */
      vm?: string;
      /** @description What else it was about, where it was. */
      target?: {
        [key: string]: unknown;
      };
      /** @description Workflow of the VM. */
      workflowId?: string;
      /** @description Life of the VM. */
      uid?: string;
      /** @description Id of the request for later that was done. */
      request?: string;
      /**
       * @description It was asked for with `force`.
       * @constant
       */
      force?: true;
      /**
       * @description It was checked alone.
       * @constant
       */
      dryRun?: true;
      /** @description HTTP status of the answer. */
      status: number;
      /** @description Why it was refused; absent where it was not. */
      code?: string;
    };
    Health: {
      /**
       * @description Always `ok`.
       * @constant
       */
      status: 'ok';
    };
    ApiReadiness: {
      /**
       * @description Always `ready`.
       * @constant
       */
      status: 'ready';
      /** @description Since the list of VMs was last read from Temporal. */
      listAgeSeconds: number;
    };
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
  listVms: {
    parameters: {
      query?: {
        /** @description Only these states. Where the VM is in its life. `creating`: its machine is being made, or waits for room; `booting`: the machine is there and not ready yet; `running`: it is ready and serves its users; `draining`: it admits nobody new, and `idle.action` follows when the last user has left; `stopping`: its machine is being stopped; `stopped`: its machine does not run and keeps its disk; a start or a create of its name brings it back; `imaging`: an image is made of its stopped machine; `pendingImage` says which, and whether it ends with that; `starting`: its stopped machine is being started, or waits for room on its host; `suspending`: its machine is being suspended; `suspended`: its machine does not run and keeps its memory and its disk; a resume or a create of its name brings it back; `resuming`: its suspended machine is being resumed; `destroying`: its machine is being removed; `destroyed`: it has ended as it was meant to, and its machine was seen gone; `failed`: it has ended as nobody meant it to; `reason` and `detail` say why. Default: all but those that have ended. */
        state?: components['schemas']['VmState'][];
        /** @description Only VMs of this template. Default: all. */
        template?: string;
        /** @description `key=value`; every one must match. Default: all VMs. */
        label?: string[];
        /** @description `true`: only VMs that somebody used by their last count; `false`: only the others. Default: all. */
        inUse?: boolean;
        /** @description Only VMs of this provider. Default: all. */
        provider?: string;
        /** @description Only VMs whose machine is in this zone. Default: all. */
        zone?: string;
        /** @description Only VMs whose machine is on this host of ours. Default: all. */
        host?: string;
        /** @description Only VMs that the API key of this id made. Default: all. */
        createdBy?: string;
        /** @description VMs on a page at most. Default: 100. */
        pageSize?: number;
        /** @description `nextPageToken` of the page before. Default: the first page. */
        pageToken?: string;
        /** @description Ask the workflows themselves, for at most 2 seconds and 100 VMs a page. Default: false. */
        fresh?: boolean;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A page of VMs. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['VmList'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `notReady`: The API is starting. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  createVm: {
    parameters: {
      query?: {
        /** @description `ready`: answer when the VM is ready, or when the time is over. Default: answer at once. */
        wait?: 'ready';
        /** @description How long to wait, with `wait`. Default: 60. */
        timeoutSeconds?: number;
        /** @description With `Prefer: respond-async`: how long it may wait until it is begun. Default: 3600. */
        queueTimeoutSeconds?: number;
      };
      header?: {
        /** @description `respond-async` (RFC 7240): the request is checked, written down durably, and answered 202 with the path of a request in Location, also while workers, hosts or the provider are down. Requests for one name are done in the order in which they were accepted, each when the one before has come to its end: a create when its VM is ready, a stop when it is stopped. Requests without it wait for none of them. Default: it is done at once. */
        Prefer?: string;
        /** @description Makes a create repeatable: with the same key and body the same VM is answered, even after it has ended. With a `name`, the key belongs to that name. Default: none, and each create without a `name` makes a new VM. */
        'Idempotency-Key'?: string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['CreateVm'];
      };
    };
    responses: {
      /** @description The VM was there already. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description The VM is new. */
      201: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description Asked to wait, and the VM was not ready in time; it goes on starting. Or the request is done later, as it prefers. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM, or with `Prefer: respond-async` of the request. */
          Location?: string;
          /** @description `respond-async` where the request is done later; else absent. */
          'Preference-Applied'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
          'application/vnd.ephemera.request+json': components['schemas']['Request'];
        };
      };
      /** @description `unknownTemplate`: No such template. `unknownTemplateVersion`: The template has no such version. `unknownProvider`: No such provider. `unsupportedOption`: The provider cannot do what the spec asks. `insecureTransport`: Secrets would travel in plain text. `contradictoryTimeouts`: The time-outs contradict each other. `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `optionNotAllowed`: This deployment does not allow what the spec asks. `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `specConflict`: A live VM of this name has another spec. `nameTaken`: Another deployment in this Temporal namespace has a VM of this name. `vmEnding`: The VM of this name is being destroyed and its name is not free yet. `idempotencyConflict`: This Idempotency-Key was used for another request. `endedBeforeReady`: The VM ended before it was ready. `startFailed`: The VM could not be started, and is stopped as before. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description With `vmEnding`: seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. `tooManyWaits`: Too many requests of one key wait at once. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `providerUnavailable`: Nothing makes machines of the provider now. `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getVm: {
    parameters: {
      query?: {
        /** @description Ask the workflow itself, for at most 2 seconds. Default: false, which is what Temporal keeps of it. */
        fresh?: boolean;
      };
      header?: never;
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The VM. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  destroyVm: {
    parameters: {
      query?: {
        /** @description `destroyed`: answer when the machine is confirmed gone, or when the time is over. Default: answer at once. */
        wait?: 'destroyed';
        /** @description Only this life of the name, as `uid` of the VM says. Default: the latest one. */
        uid?: string;
        /** @description Needs an admin key. Ends the VM and frees its name even if its machine cannot be destroyed within 15 s of the destroy. Default: false. */
        force?: boolean;
        /** @description How long to wait, with `wait`. Default: 60. */
        timeoutSeconds?: number;
        /** @description With `Prefer: respond-async`: how long it may wait until it is begun. Default: 3600. */
        queueTimeoutSeconds?: number;
      };
      header?: {
        /** @description `respond-async` (RFC 7240): the request is checked, written down durably, and answered 202 with the path of a request in Location, also while workers, hosts or the provider are down. Requests for one name are done in the order in which they were accepted, each when the one before has come to its end: a create when its VM is ready, a stop when it is stopped. Requests without it wait for none of them. Default: it is done at once. */
        Prefer?: string;
        /** @description With `Prefer: respond-async`: the same key and request for a name is the same request, for as long as that is known. Default: none. */
        'Idempotency-Key'?: string;
      };
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The VM has ended: its machine is confirmed gone, or by force left to the sweeper. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description Accepted; the machine is not confirmed gone yet. Or the request is done later, as it prefers. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM, or with `Prefer: respond-async` of the request. */
          Location?: string;
          /** @description `respond-async` where the request is done later; else absent. */
          'Preference-Applied'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
          'application/vnd.ephemera.request+json': components['schemas']['Request'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `otherLife`: The VM of this name is not the one that `uid` names. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. `tooManyWaits`: Too many requests of one key wait at once. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  drainVm: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done: the VM as its workflow answers now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the VM as last seen. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `actionNotAllowed`: The VM is in a state that does not allow this. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  undrainVm: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done: the VM as its workflow answers now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the VM as last seen. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `actionNotAllowed`: The VM is in a state that does not allow this. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  holdVm: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['Hold'];
      };
    };
    responses: {
      /** @description Done: the VM as its workflow answers now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the VM as last seen. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `actionNotAllowed`: The VM is in a state that does not allow this. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  setConnections: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['Connections'];
      };
    };
    responses: {
      /** @description Done: the VM as its workflow answers now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the VM as last seen. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `actionNotAllowed`: The VM is in a state that does not allow this. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  stopVm: {
    parameters: {
      query?: {
        /** @description Stop the VM though it has users. Default: false. */
        force?: boolean;
        /** @description With `Prefer: respond-async`: how long it may wait until it is begun. Default: 3600. */
        queueTimeoutSeconds?: number;
      };
      header?: {
        /** @description `respond-async` (RFC 7240): the request is checked, written down durably, and answered 202 with the path of a request in Location, also while workers, hosts or the provider are down. Requests for one name are done in the order in which they were accepted, each when the one before has come to its end: a create when its VM is ready, a stop when it is stopped. Requests without it wait for none of them. Default: it is done at once. */
        Prefer?: string;
        /** @description With `Prefer: respond-async`: the same key and request for a name is the same request, for as long as that is known. Default: none. */
        'Idempotency-Key'?: string;
      };
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done: the VM as its workflow answers now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the VM as last seen. Or the request is done later, as it prefers. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM, or with `Prefer: respond-async` of the request. */
          Location?: string;
          /** @description `respond-async` where the request is done later; else absent. */
          'Preference-Applied'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
          'application/vnd.ephemera.request+json': components['schemas']['Request'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `actionNotAllowed`: The VM is in a state that does not allow this. `unsupportedAction`: The provider cannot do this with its machines. `vmInUse`: The VM has users. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  startVm: {
    parameters: {
      query?: {
        /** @description `ready`: answer when the VM is ready, or when the time is over. Default: answer at once. */
        wait?: 'ready';
        /** @description How long to wait, with `wait`. Default: 60. */
        timeoutSeconds?: number;
        /** @description With `Prefer: respond-async`: how long it may wait until it is begun. Default: 3600. */
        queueTimeoutSeconds?: number;
      };
      header?: {
        /** @description `respond-async` (RFC 7240): the request is checked, written down durably, and answered 202 with the path of a request in Location, also while workers, hosts or the provider are down. Requests for one name are done in the order in which they were accepted, each when the one before has come to its end: a create when its VM is ready, a stop when it is stopped. Requests without it wait for none of them. Default: it is done at once. */
        Prefer?: string;
        /** @description With `Prefer: respond-async`: the same key and request for a name is the same request, for as long as that is known. Default: none. */
        'Idempotency-Key'?: string;
      };
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done: the VM as its workflow answers now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the VM as last seen. Or the request is done later, as it prefers. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM, or with `Prefer: respond-async` of the request. */
          Location?: string;
          /** @description `respond-async` where the request is done later; else absent. */
          'Preference-Applied'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
          'application/vnd.ephemera.request+json': components['schemas']['Request'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `actionNotAllowed`: The VM is in a state that does not allow this. `unsupportedAction`: The provider cannot do this with its machines. `startFailed`: The VM could not be started, and is stopped as before. `endedBeforeReady`: The VM ended before it was ready. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. `tooManyWaits`: Too many requests of one key wait at once. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  closeVm: {
    parameters: {
      query?: {
        /** @description Though the VM has users, whom it cuts off. Default: false. */
        force?: boolean;
        /** @description With `Prefer: respond-async`: how long it may wait until it is begun. Default: 3600. */
        queueTimeoutSeconds?: number;
      };
      header?: {
        /** @description `respond-async` (RFC 7240): the request is checked, written down durably, and answered 202 with the path of a request in Location, also while workers, hosts or the provider are down. Requests for one name are done in the order in which they were accepted, each when the one before has come to its end: a create when its VM is ready, a stop when it is stopped. Requests without it wait for none of them. Default: it is done at once. */
        Prefer?: string;
        /** @description With `Prefer: respond-async`: the same key and request for a name is the same request, for as long as that is known. Default: none. */
        'Idempotency-Key'?: string;
      };
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done: the VM as its workflow answers now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the VM as last seen. Or the request is done later, as it prefers. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM, or with `Prefer: respond-async` of the request. */
          Location?: string;
          /** @description `respond-async` where the request is done later; else absent. */
          'Preference-Applied'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
          'application/vnd.ephemera.request+json': components['schemas']['Request'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `actionNotAllowed`: The VM is in a state that does not allow this. `unsupportedAction`: The provider cannot do this with its machines. `vmInUse`: The VM has users. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  reopenVm: {
    parameters: {
      query?: {
        /** @description `ready`: answer when the VM is ready, or when the time is over. Default: answer at once. */
        wait?: 'ready';
        /** @description How long to wait, with `wait`. Default: 60. */
        timeoutSeconds?: number;
        /** @description With `Prefer: respond-async`: how long it may wait until it is begun. Default: 3600. */
        queueTimeoutSeconds?: number;
      };
      header?: {
        /** @description `respond-async` (RFC 7240): the request is checked, written down durably, and answered 202 with the path of a request in Location, also while workers, hosts or the provider are down. Requests for one name are done in the order in which they were accepted, each when the one before has come to its end: a create when its VM is ready, a stop when it is stopped. Requests without it wait for none of them. Default: it is done at once. */
        Prefer?: string;
        /** @description Makes a create repeatable: with the same key and body the same VM is answered, even after it has ended. With a `name`, the key belongs to that name. Default: none, and each create without a `name` makes a new VM. */
        'Idempotency-Key'?: string;
      };
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The request with this Idempotency-Key reopened it before. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description The VM is new. */
      201: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description Asked to wait, and the VM was not ready in time; it goes on starting. Or the request is done later, as it prefers. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM, or with `Prefer: respond-async` of the request. */
          Location?: string;
          /** @description `respond-async` where the request is done later; else absent. */
          'Preference-Applied'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
          'application/vnd.ephemera.request+json': components['schemas']['Request'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `optionNotAllowed`: This deployment does not allow what the spec asks. `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `neverClosed`: No session of this name is kept. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `vmLive`: A VM of this name lives. `vmEnding`: The VM of this name is being destroyed and its name is not free yet. `sessionUnreadable`: What is kept of this name cannot be trusted or opened. `imageHostLost`: The host that has the image is lost or gone. `noMatchingHost`: No host of the deployment can take the machine. `endedBeforeReady`: The VM ended before it was ready. `idempotencyConflict`: This Idempotency-Key was used for another request. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description With `vmEnding`: seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. `tooManyWaits`: Too many requests of one key wait at once. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `providerUnavailable`: Nothing makes machines of the provider now. `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  snapshotVm: {
    parameters: {
      query?: {
        /** @description Though the VM has users, whom it cuts off. Default: false. */
        force?: boolean;
        /** @description With `Prefer: respond-async`: how long it may wait until it is begun. Default: 3600. */
        queueTimeoutSeconds?: number;
      };
      header?: {
        /** @description `respond-async` (RFC 7240): the request is checked, written down durably, and answered 202 with the path of a request in Location, also while workers, hosts or the provider are down. Requests for one name are done in the order in which they were accepted, each when the one before has come to its end: a create when its VM is ready, a stop when it is stopped. Requests without it wait for none of them. Default: it is done at once. */
        Prefer?: string;
        /** @description With `Prefer: respond-async`: the same key and request for a name is the same request, for as long as that is known. Default: none. */
        'Idempotency-Key'?: string;
      };
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['Snapshot'];
      };
    };
    responses: {
      /** @description Done: the VM as its workflow answers now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the VM as last seen. Or the request is done later, as it prefers. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM, or with `Prefer: respond-async` of the request. */
          Location?: string;
          /** @description `respond-async` where the request is done later; else absent. */
          'Preference-Applied'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
          'application/vnd.ephemera.request+json': components['schemas']['Request'];
        };
      };
      /** @description `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `actionNotAllowed`: The VM is in a state that does not allow this. `unsupportedAction`: The provider cannot do this with its machines. `vmInUse`: The VM has users. `imageNameTaken`: An image of this name is there already. `tooManyImages`: The family or the project has as many images as it may have. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  suspendVm: {
    parameters: {
      query?: {
        /** @description Suspend the VM though it has users. Default: false. */
        force?: boolean;
        /** @description With `Prefer: respond-async`: how long it may wait until it is begun. Default: 3600. */
        queueTimeoutSeconds?: number;
      };
      header?: {
        /** @description `respond-async` (RFC 7240): the request is checked, written down durably, and answered 202 with the path of a request in Location, also while workers, hosts or the provider are down. Requests for one name are done in the order in which they were accepted, each when the one before has come to its end: a create when its VM is ready, a stop when it is stopped. Requests without it wait for none of them. Default: it is done at once. */
        Prefer?: string;
        /** @description With `Prefer: respond-async`: the same key and request for a name is the same request, for as long as that is known. Default: none. */
        'Idempotency-Key'?: string;
      };
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done: the VM as its workflow answers now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the VM as last seen. Or the request is done later, as it prefers. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM, or with `Prefer: respond-async` of the request. */
          Location?: string;
          /** @description `respond-async` where the request is done later; else absent. */
          'Preference-Applied'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
          'application/vnd.ephemera.request+json': components['schemas']['Request'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `actionNotAllowed`: The VM is in a state that does not allow this. `unsupportedAction`: The provider cannot do this with its machines. `vmInUse`: The VM has users. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  resumeVm: {
    parameters: {
      query?: {
        /** @description `ready`: answer when the VM is ready, or when the time is over. Default: answer at once. */
        wait?: 'ready';
        /** @description How long to wait, with `wait`. Default: 60. */
        timeoutSeconds?: number;
        /** @description With `Prefer: respond-async`: how long it may wait until it is begun. Default: 3600. */
        queueTimeoutSeconds?: number;
      };
      header?: {
        /** @description `respond-async` (RFC 7240): the request is checked, written down durably, and answered 202 with the path of a request in Location, also while workers, hosts or the provider are down. Requests for one name are done in the order in which they were accepted, each when the one before has come to its end: a create when its VM is ready, a stop when it is stopped. Requests without it wait for none of them. Default: it is done at once. */
        Prefer?: string;
        /** @description With `Prefer: respond-async`: the same key and request for a name is the same request, for as long as that is known. Default: none. */
        'Idempotency-Key'?: string;
      };
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done: the VM as its workflow answers now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the VM as last seen. Or the request is done later, as it prefers. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the VM, or with `Prefer: respond-async` of the request. */
          Location?: string;
          /** @description `respond-async` where the request is done later; else absent. */
          'Preference-Applied'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Vm'];
          'application/vnd.ephemera.request+json': components['schemas']['Request'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `actionNotAllowed`: The VM is in a state that does not allow this. `unsupportedAction`: The provider cannot do this with its machines. `startFailed`: The VM could not be started, and is stopped as before. `endedBeforeReady`: The VM ended before it was ready. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. `tooManyWaits`: Too many requests of one key wait at once. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getRequest: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description `id` of the request. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The request as it is now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Request'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownRequest`: No such request. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  cancelRequest: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description `id` of the request. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It has ended: cancelled now, or before in another way. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Request'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the request as last seen. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the request. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Request'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownRequest`: No such request. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `requestRunning`: The request is being done. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getTimeline: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The events, oldest first. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Timeline'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getConsole: {
    parameters: {
      query?: {
        /** @description The bytes as the machine wrote them, terminal sequences included. Default: false. */
        raw?: boolean;
      };
      header?: never;
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Plain text. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'text/plain; charset=utf-8': string;
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. `consoleUnavailable`: No console output is kept for this VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `hostKeyMismatch`: What answers at the address of the host has another key. */
      502: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `hostAway`: The host of the machine cannot be asked now. `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  watchEvents: {
    parameters: {
      query?: {
        /** @description Only events of the VM of this name. Default: of all. */
        vm?: string;
        /** @description Only events of VMs of this template. Default: of all. */
        template?: string;
        /** @description Only these kinds. What happened to the VM. `vm.creating`: its machine, or another one in its place, is being made; `vm.booting`: its machine is there and boots; `vm.running`: it is ready, or admits users again; `vm.draining`: it admits nobody new; `vm.stopping`: its machine is being stopped; `vm.stopped`: its machine is stopped and keeps its disk; `vm.imaging`: an image is made of its stopped machine; `vm.starting`: its stopped machine is being started; `vm.suspending`: its machine is being suspended; `vm.suspended`: its machine is suspended and keeps its memory; `vm.resuming`: its suspended machine is being resumed; `vm.destroying`: its machine is being removed; `vm.destroyed`: it has ended as it was meant to; `vm.failed`: it has ended as nobody meant it to; `vm.connections`: the count of its users changed; `vm.hold`: a hold began or is over; `vm.health`: its agent fell silent or reports again; `vm.confirming`: its agent is asked before it ends as empty; `vm.confirmed`: its agent confirmed that nobody is connected; `vm.forced`: an administrator forced its end; `vm.version`: it makes room for a newer version of its template, or need not any more. Default: all. */
        kind?: (
          | 'vm.creating'
          | 'vm.booting'
          | 'vm.running'
          | 'vm.draining'
          | 'vm.stopping'
          | 'vm.stopped'
          | 'vm.imaging'
          | 'vm.starting'
          | 'vm.suspending'
          | 'vm.suspended'
          | 'vm.resuming'
          | 'vm.destroying'
          | 'vm.destroyed'
          | 'vm.failed'
          | 'vm.connections'
          | 'vm.hold'
          | 'vm.health'
          | 'vm.confirming'
          | 'vm.confirmed'
          | 'vm.forced'
          | 'vm.version'
        )[];
        /** @description The stream ends after this time. Default: when the client hangs up. */
        timeoutSeconds?: number;
        /** @description For clients that cannot send the header. `id` of the last block that was read: the stream goes on after that. Default: from now on. */
        lastEventId?: string;
      };
      header?: {
        /** @description `id` of the last block that was read: the stream goes on after that. Default: from now on. */
        'Last-Event-Id'?: string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The stream. The data of a block of type `vm` has this schema. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'text/event-stream': components['schemas']['Event'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `tooManyWatchers`: Too many streams of events are open at once. `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `notReady`: The API is starting. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listWebhooks: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Up to a second old. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['WebhookList'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  createWebhook: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['NewWebhook'];
      };
    };
    responses: {
      /** @description It is told from now on. */
      201: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['CreatedWebhook'];
        };
      };
      /** @description `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `tooManyWebhooks`: The project has as many webhooks as it may have. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `webhookTargetRefused`: A webhook may not go there. */
      422: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getWebhook: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description `id` of the webhook. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The webhook as it is now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Webhook'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownWebhook`: No such webhook. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  deleteWebhook: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description `id` of the webhook. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is gone. */
      204: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownWebhook`: No such webhook. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  enableWebhook: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description `id` of the webhook. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The webhook as it was last seen. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the webhook, whose `attempts` show what comes of it. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Webhook'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownWebhook`: No such webhook. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  testWebhook: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description `id` of the webhook. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is sent. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the webhook, whose `attempts` show what comes of it. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['SentMessage'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownWebhook`: No such webhook. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  redeliverEvent: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description `id` of the webhook. */
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['Redelivery'];
      };
    };
    responses: {
      /** @description It is sent. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the webhook, whose `attempts` show what comes of it. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['SentMessage'];
        };
      };
      /** @description `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownWebhook`: No such webhook. `unknownEvent`: No such event, or it is not kept any more. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `notReady`: The API is starting. `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  createLink: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['CreateLink'];
      };
    };
    responses: {
      /** @description The link. */
      201: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Link'];
        };
      };
      /** @description `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownPort`: The VM has no such TCP port. `noHostName`: No host name can name this port of this VM. `actionNotAllowed`: The VM is in a state that does not allow this. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  revokeLinks: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description They are taken back. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RevokedLinks'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  revokeVmLinks: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description They are taken back. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RevokedLinks'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getLinkKey: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Its public half. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['LinkKey'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  forwardPort: {
    parameters: {
      query?: {
        /** @description While it is open it counts as a connection of the VM, which keeps the VM alive. Default: false. */
        countsAsConnection?: boolean;
      };
      header?: never;
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
        /** @description TCP port in the VM, 1 to 65535; it need not be one of the spec. */
        port: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The connection is made. */
      101: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `remoteAccessOff`: The spec of the VM allows no such access. `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `actionNotAllowed`: The VM is in a state that does not allow this. `streamsUnsupported`: The machine cannot be reached through its agent. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `upgradeRequired`: The path is for WebSockets. */
      426: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `tooManyStreams`: As many streams are open as there may be. `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `portRefused`: Nothing takes connections on the port. `hostKeyMismatch`: What answers at the address of the host has another key. */
      502: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `streamLost`: The machine cannot be reached through its agent now. `hostAway`: The host of the machine cannot be asked now. `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  openCommand: {
    parameters: {
      query?: {
        /** @description While it is open it counts as a connection of the VM, which keeps the VM alive. Default: false. */
        countsAsConnection?: boolean;
      };
      header?: never;
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The command may be named. */
      101: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `remoteAccessOff`: The spec of the VM allows no such access. `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `ttyUnavailable`: The VM can make no terminal. `actionNotAllowed`: The VM is in a state that does not allow this. `streamsUnsupported`: The machine cannot be reached through its agent. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `execFailed`: The command could not be started in the VM. */
      422: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `upgradeRequired`: The path is for WebSockets. */
      426: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `tooManyStreams`: As many streams are open as there may be. `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `hostKeyMismatch`: What answers at the address of the host has another key. */
      502: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `streamLost`: The machine cannot be reached through its agent now. `hostAway`: The host of the machine cannot be asked now. `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  runCommand: {
    parameters: {
      query?: {
        /** @description While it is open it counts as a connection of the VM, which keeps the VM alive. Default: false. */
        countsAsConnection?: boolean;
      };
      header?: never;
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['Exec'];
      };
    };
    responses: {
      /** @description How it ended, and what it printed. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ExecResult'];
        };
      };
      /** @description `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `remoteAccessOff`: The spec of the VM allows no such access. `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `actionNotAllowed`: The VM is in a state that does not allow this. `streamsUnsupported`: The machine cannot be reached through its agent. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `execFailed`: The command could not be started in the VM. */
      422: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `tooManyStreams`: As many streams are open as there may be. `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `hostKeyMismatch`: What answers at the address of the host has another key. */
      502: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `streamLost`: The machine cannot be reached through its agent now. `hostAway`: The host of the machine cannot be asked now. `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  readFiles: {
    parameters: {
      query: {
        /** @description A path in the VM. Of a machine that is a process of its host it is one in the directory of that machine. */
        path: string;
        /** @description While it is open it counts as a connection of the VM, which keeps the VM alive. Default: false. */
        countsAsConnection?: boolean;
      };
      header?: never;
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The tar. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/x-tar': string;
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `remoteAccessOff`: The spec of the VM allows no such access. `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `fileNotFound`: The path is not in the VM. `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `actionNotAllowed`: The VM is in a state that does not allow this. `streamsUnsupported`: The machine cannot be reached through its agent. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `fileRefused`: The files cannot be read or written. `execFailed`: The command could not be started in the VM. */
      422: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `tooManyStreams`: As many streams are open as there may be. `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `hostKeyMismatch`: What answers at the address of the host has another key. */
      502: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `streamLost`: The machine cannot be reached through its agent now. `hostAway`: The host of the machine cannot be asked now. `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  writeFiles: {
    parameters: {
      query: {
        /** @description A path in the VM. Of a machine that is a process of its host it is one in the directory of that machine. */
        path: string;
        /** @description While it is open it counts as a connection of the VM, which keeps the VM alive. Default: false. */
        countsAsConnection?: boolean;
      };
      header?: never;
      path: {
        /** @description Name of the VM, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    /** @description The tar. */
    requestBody: {
      content: {
        'application/x-tar': string;
      };
    };
    responses: {
      /** @description It was unpacked. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['FilesWritten'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `remoteAccessOff`: The spec of the VM allows no such access. `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `fileNotFound`: The path is not in the VM. `unknownVm`: No such VM. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `actionNotAllowed`: The VM is in a state that does not allow this. `streamsUnsupported`: The machine cannot be reached through its agent. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `fileRefused`: The files cannot be read or written. `execFailed`: The command could not be started in the VM. */
      422: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `tooManyStreams`: As many streams are open as there may be. `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `hostKeyMismatch`: What answers at the address of the host has another key. */
      502: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `streamLost`: The machine cannot be reached through its agent now. `hostAway`: The host of the machine cannot be asked now. `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listTemplates: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description All of them. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['TemplateList'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `notReady`: The API is starting. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getTemplate: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Name of the template, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The template. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Template'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `templateNotFound`: No such template. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  putTemplate: {
    parameters: {
      query?: {
        /** @description Check it, change nothing, and answer as if it were put. Default: false. */
        dryRun?: boolean;
      };
      header?: never;
      path: {
        /** @description Name of the template, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['PutTemplate'];
      };
    };
    responses: {
      /** @description The newest version has this spec already; the rest counts from now on. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Template'];
        };
      };
      /** @description It is a new version. */
      201: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Template'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the template. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['TemplateAccepted'];
        };
      };
      /** @description `unknownProvider`: No such provider. `unsupportedOption`: The provider cannot do what the spec asks. `contradictoryTimeouts`: The time-outs contradict each other. `insecureTransport`: Secrets would travel in plain text. `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `optionNotAllowed`: This deployment does not allow what the spec asks. `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `tooManyTemplates`: The project has as many templates as it can have. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  deleteTemplate: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Name of the template, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Deleted. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['TemplateAccepted'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the template. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['TemplateAccepted'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `templateNotFound`: No such template. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `builtInTemplate`: The template is built in. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listPools: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description All of them, at most a second old. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['PoolList'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getPoolHistory: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Name of the template. */
        template: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Its numbers, and since when. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['PoolHistory'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `poolNotFound`: The template has no pool. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `poolSilent`: No worker answers for the pool now. `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listSessions: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description All of them, at most a second old. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['SessionList'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listImages: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description All of them, at most a second old. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ImageList'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  deleteImage: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Name of the image, in the project of the key. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is being removed, or is gone already. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the list of images. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Image'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `imageNotFound`: No such image. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `imageInUse`: The image is in use. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listMachineImages: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description As hosts said last, some seconds ago at most. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['MachineImageList'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getMachineImage: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Name of the machine image. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description As hosts said last, some seconds ago at most. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['MachineImage'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `machineImageNotFound`: No such machine image. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  deleteMachineImage: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Name of the machine image. */
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No host has it any more; as it was before. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['MachineImage'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `machineImageNotFound`: No such machine image. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `machineImageInUse`: Machines have the machine image. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `hostKeyMismatch`: What answers at the address of the host has another key. */
      502: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `imageHostAway`: A host that has the machine image cannot be asked now. `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listHosts: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description All of them, at most a second old. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['HostList'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  createJoinToken: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The token, and the command that uses it. */
      201: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['JoinToken'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  joinHost: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['HostJoin'];
      };
    };
    responses: {
      /** @description What the host needs. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['HostJoined'];
        };
      };
      /** @description `insecureTransport`: Secrets would travel in plain text. `unknownProvider`: No such provider. `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `joinTokenInvalid`: The join token is none of this deployment. `joinTokenExpired`: The join token is too old. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `joinTokenOfOtherDeployment`: The join token is of another deployment. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `joinTokenUsed`: The join token was used by another host. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  cordonHost: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Id of the host: its EPHEMERA_HOST_ID. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done: the host as its workflow answers now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Host'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the host as last seen. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the list of hosts. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Host'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `hostNotFound`: No such host. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  uncordonHost: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Id of the host: its EPHEMERA_HOST_ID. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done: the host as its workflow answers now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Host'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the host as last seen. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the list of hosts. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Host'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `hostNotFound`: No such host. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  drainHost: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Id of the host: its EPHEMERA_HOST_ID. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done: the host as its workflow answers now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Host'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the host as last seen. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the list of hosts. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Host'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `hostNotFound`: No such host. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  removeHost: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Id of the host: its EPHEMERA_HOST_ID. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done: the host as its workflow answers now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Host'];
        };
      };
      /** @description Kept by Temporal, and no worker has answered yet: the host as last seen. */
      202: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Path of the list of hosts. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Host'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `hostNotFound`: No such host. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `hostInUse`: The host takes creates, or has VMs or machines. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  exchangeAgentSecret: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['AgentExchange'];
      };
    };
    responses: {
      /** @description A token that lets this machine report for itself. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['AgentExchangeReply'];
        };
      };
      /** @description `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `tokenRefused`: The agent token is not valid for a live machine. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. `identityUnavailable`: The identity of the instance cannot be checked now. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  reportUsage: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['AgentReport'];
      };
    };
    responses: {
      /** @description Taken; when to report again. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['AgentReportReply'];
        };
      };
      /** @description `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `tokenRefused`: The agent token is not valid for a live machine. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  openAgentLink: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Streams may be opened. */
      101: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description `tokenRefused`: The agent token is not valid for a live machine. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `upgradeRequired`: The path is for WebSockets. */
      426: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getDatasourceFile: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The machine that asks. */
        machineId: string;
        /** @description What the machine got at its start; bound to it. */
        token: string;
        /** @description One of meta-data, user-data, vendor-data. */
        file: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The file. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `notFound`: No such page. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getVmServer: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The file. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'text/javascript; charset=utf-8': string;
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `vmServerMissing`: The program for machines was not built here. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getBrowserSession: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Project and role of the key. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['BrowserSession'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  signIn: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['SignIn'];
      };
    };
    responses: {
      /** @description Signed in. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The half of the session that no script can read. */
          'Set-Cookie'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['SignedIn'];
        };
      };
      /** @description `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. `sessionRefused`: The session of the browser opens nothing. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  signOut: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Signed out. */
      204: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The half of the session that no script can read. */
          'Set-Cookie'?: string;
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  drySweep: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The findings. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Sweep'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `sweepUnavailable`: No sweep can be made now. `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listSweepRuns: {
    parameters: {
      query?: {
        /** @description Runs at most. Default: 60, an hour of them unless the deployment sweeps at other times. */
        limit?: number;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The sweeps. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['SweepRunList'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `temporalUnavailable`: The Temporal server does not answer. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listKeys: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description All of them. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['KeyList'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  createKey: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['KeyOrder'];
      };
    };
    responses: {
      /** @description The key. */
      201: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['MadeKey'];
        };
      };
      /** @description `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `keysNotWritable`: The API keys cannot be changed by this replica. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  rotateKey: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description Id of the key, as lists and the audit log name it; never the key itself. */
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['KeyRotation'];
      };
    };
    responses: {
      /** @description The new key. */
      201: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['MadeKey'];
        };
      };
      /** @description `malformedBody`: The body is not valid JSON. `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownKey`: No such API key. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `keyEnded`: The API key has ended already. `keysNotWritable`: The API keys cannot be changed by this replica. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `bodyTooLarge`: The body is too large. */
      413: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unsupportedMediaType`: The body is not JSON. */
      415: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  revokeKey: {
    parameters: {
      query?: {
        /** @description Revoke it though no good key with the role admin is left. Default: false. */
        force?: boolean;
      };
      header?: never;
      path: {
        /** @description Id of the key, as lists and the audit log name it; never the key itself. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The key as it is now. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Key'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unknownKey`: No such API key. */
      404: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `keyEnded`: The API key has ended already. `lastAdminKey`: No good key with the role admin would be left. `keysNotWritable`: The API keys cannot be changed by this replica. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listAudit: {
    parameters: {
      query?: {
        /** @description Only what was done at or after this time. Default: from the begin of the file. */
        since?: string;
        /** @description Only what was done before this time. Default: up to now. */
        until?: string;
        /** @description Only what keys of this project did. Default: all. */
        project?: string;
        /** @description Only this action, as `operationId` of this document has it. Default: all. */
        action?: string;
        /** @description Only what the key of this id did. Default: all. */
        keyId?: string;
        /** @description Only what was done to VMs of this name. Default: everything. */
        vm?: string;
        /** @description Entries on a page at most. Default: 100. */
        pageSize?: number;
        /** @description `nextPageToken` of the page before. Default: the first page. */
        pageToken?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A page of it. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['AuditPage'];
        };
      };
      /** @description `invalidRequest`: The request does not fit the schema. */
      400: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `unauthenticated`: No valid API key. */
      401: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Always `Bearer`. */
          'WWW-Authenticate'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `forbidden`: The key may not do this. */
      403: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `auditNotReadable`: The audit log cannot be read through this replica. `pageTokenExpired`: The list has changed too much to go on with this page. */
      409: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getHealth: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It does. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Health'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getReadiness: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Ready. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ApiReadiness'];
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `notReady`: The API is starting. */
      503: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getOpenApi: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The document. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description The version of OpenAPI. */
            openapi: string;
          } & {
            [key: string]: unknown;
          };
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getDocs: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A page. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'text/html; charset=utf-8': string;
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getErrorDocs: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A page. */
      200: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'text/html; charset=utf-8': string;
        };
      };
      /** @description `methodNotAllowed`: The path does not take this method. */
      405: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description The methods that the path takes. */
          Allow?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `rateLimited`: Too many requests. */
      429: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          /** @description Seconds to wait. */
          'Retry-After'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description `internal`: A bug in Ephemera. */
      500: {
        headers: {
          /** @description Names this request in logs. */
          'X-Request-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
}
