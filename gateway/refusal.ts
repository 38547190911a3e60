/** Why a visitor gets no answer of the program in the VM, and what to do about it. */
export interface Refusal {
  status: number;
  /** Of the API where it has said so; else one of docs/gateway.md. */
  code: string;
  title: string;
  detail: string;
  /** It may be over by itself: a browser looks again after so long. */
  againSeconds?: number;
}

export const GATEWAY_REFUSALS = {
  wrongHost: {
    status: 404,
    title: 'Nothing is served under this name',
    detail:
      'The name says no port and no VM. It looks like 8080--lobby, or 8080--lobby--games for a VM of the project games.',
  },
  badRequest: {
    status: 400,
    title: 'This is no request for a VM',
    detail: 'It needs one Host header and a plain path.',
  },
  linkNeeded: {
    status: 403,
    title: 'You need a link',
    detail: 'Whoever runs this can make you one, which opens this page for some time.',
  },
  linkExpired: {
    status: 403,
    title: 'Your link has expired',
    detail: 'Ask whoever gave it to you for a new one.',
  },
  linkRevoked: {
    status: 403,
    title: 'Your link was taken back',
    detail: 'Whoever runs this ended all links of then. Ask them for a new one.',
  },
  linkRefused: {
    status: 403,
    title: 'Your link is not for this page',
    detail: 'It was made for another one, or was changed on its way. Ask whoever gave it to you for a new one.',
  },
  foreignPage: {
    status: 403,
    title: 'Another page asked for this',
    detail: 'A page of another VM may not use your link. Open the address of this one itself.',
  },
  unknownVm: {
    status: 404,
    title: 'There is no such VM',
    detail: 'It was never there, or it ended and nothing of it was kept.',
  },
  vmEnding: {
    status: 503,
    title: 'The VM is being put away',
    detail: 'Its machine stops. If it can be brought back, it is started as soon as that is over.',
    againSeconds: 2,
  },
  waking: { status: 503, title: 'The VM is starting', detail: 'This page opens by itself.', againSeconds: 2 },
  unknownPort: {
    status: 404,
    title: 'The VM has no such port',
    detail: 'Its spec names other TCP ports than this one.',
  },
  appUnreachable: {
    status: 502,
    title: 'The program in the VM does not answer',
    detail: 'The VM runs, and nothing takes connections on this port, or they broke off.',
    againSeconds: 5,
  },
  tooManyConnections: {
    status: 503,
    title: 'Too many connections',
    detail: 'As many connections are open as this gateway lets through to one VM.',
    againSeconds: 10,
  },
  notWebSocket: {
    status: 501,
    title: 'Only WebSockets are passed on',
    detail: 'The request asks for another protocol.',
  },
  apiUnavailable: {
    status: 503,
    title: 'The VM cannot be looked up now',
    detail: 'The gateway gets no answer of the API.',
    againSeconds: 5,
  },
} as const satisfies Record<string, Omit<Refusal, 'code'>>;

export function refusal(code: keyof typeof GATEWAY_REFUSALS, detail?: string): Refusal {
  const known: Omit<Refusal, 'code'> = GATEWAY_REFUSALS[code];
  return { ...known, code, ...(detail === undefined ? {} : { detail }) };
}

/** Thrown on the way to a VM. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly refusal: Refusal;

  constructor(why: Refusal) {
    super(why.title);
    this.refusal = why;
  }
}
