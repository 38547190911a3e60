import { AppUsage } from './agent/app-usage.ts';
import type { AppControl } from './agent/app-control.ts';
import { ChatServer } from './chat/chat-server.ts';
import { endOnSignals } from './end-on-signals.ts';
import type { Log } from './log.ts';
import css from './page/chat.css';
import html from './page/index.html';
import js from './page/chat.page.js';

/** The sample chat as an agent sees it: what it counts and how it is told things. */
export interface ChatApp {
  chat: ChatServer;
  usage: AppUsage;
  app: AppControl;
}

/** The chat of a machine, named by CHAT_TITLE, closing politely when the process is told to end. It does not listen yet. */
export function createChatApp(log: Log): ChatApp {
  const usage = new AppUsage();
  const title = process.env['CHAT_TITLE'] ?? 'Chat';
  const chat = new ChatServer({ page: { html, css, js, title }, onCount: (count) => usage.setConnections(count) });
  const app = endOnSignals({
    recount: () => {
      usage.setConnections(chat.count);
      return Promise.resolve();
    },
    setDraining: (draining) => chat.setDraining(draining),
    close: (graceMs) => chat.close('This server closes now. Goodbye!', graceMs),
    log,
  });
  return { chat, usage, app };
}
