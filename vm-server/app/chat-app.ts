import { AppUsage } from '../agent/counting/app-usage.ts';
import type { AppControl } from '../agent/counting/app-control.ts';
import { Assignee } from '../agent/assignment/assignee.ts';
import type { ScriptMarker } from '../agent/assignment/script-marker.ts';
import { ChatServer } from './chat-server.ts';
import { endOnSignals } from '../end-on-signals.ts';
import type { Log } from '../log.ts';
import css from './page/chat.css';
import html from './page/index.html';
import js from './page/chat.page.js';

/** The sample chat as an agent sees it: what it counts and how it is told things. */
export interface ChatApp {
  chat: ChatServer;
  usage: AppUsage;
  app: AppControl;
  assignee: Assignee;
}

export interface ChatAppOptions {
  log: Log;
  /** The machine is still to be told its environment: until then nobody is let in. */
  awaitsAssignment: boolean;
  /** See {@link Assignee}. */
  marker?: ScriptMarker;
}

/** The chat of a machine, named by CHAT_TITLE, closing politely when the process is told to end. It does not listen yet. */
export function createChatApp({ log, awaitsAssignment, marker }: ChatAppOptions): ChatApp {
  const usage = new AppUsage();
  const title = (): string => process.env['CHAT_TITLE'] ?? 'Chat';
  const chat = new ChatServer({
    page: { html, css, js, title },
    onCount: (count) => usage.setConnections(count),
    isOpen: !awaitsAssignment,
  });
  if (awaitsAssignment) usage.awaitAssignment();
  const app = endOnSignals({
    recount: () => {
      usage.setConnections(chat.count);
      return Promise.resolve();
    },
    setDraining: (draining) => chat.setDraining(draining),
    close: (graceMs) => chat.close('This server closes now. Goodbye!', graceMs),
    log,
  });
  const assignee = new Assignee({ usage, log, openApp: () => chat.open(), marker: marker ?? null });
  return { chat, usage, app, assignee };
}
