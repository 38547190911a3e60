/** The chat's page: a form to enter a room, then the room. It speaks the JSON messages of chat/messages.ts. */
const byId = (id) => document.getElementById(id);
const views = { enter: byId('enter-view'), room: byId('room-view') };
const MOST_LINES = 500;
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

let socket = null;
/** The name that was typed, and the one the server gave: two people of one name get different ones. */
let wantedName = '';
let me = null;
let lastFrom = null;
let room = null;
let retries = 0;
let retryTimer = null;

function show(view) {
  for (const [name, element] of Object.entries(views)) element.hidden = name !== view;
  if (view === 'room') byId('text').focus();
  else byId('name').focus();
}

function setState(text) {
  byId('state').textContent = text;
  byId('state').hidden = text === '';
  byId('say').querySelector('button').disabled = text !== '';
}

function setProblem(text) {
  byId('problem').textContent = text;
  byId('problem').hidden = text === '';
}

function setPeople(count) {
  byId('people').textContent = count === 1 ? 'only you' : `${count} people`;
}

function addLine(element) {
  const log = byId('log');
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  log.append(element);
  while (log.children.length > MOST_LINES) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function element(tag, className, text = '') {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function addEvent(text, kind = '') {
  lastFrom = null;
  addLine(element('li', `event ${kind}`, text));
}

function addMessage({ from, text }) {
  const mine = from === me;
  const line = element('li', mine ? 'message mine' : 'message');
  line.classList.toggle('more', from === lastFrom);
  lastFrom = from;
  const head = element('div', 'from');
  const time = new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  head.append(element('b', '', mine ? 'You' : from), element('time', '', time));
  line.append(head, element('div', 'text', text));
  addLine(line);
}

function receive(message) {
  setPeople(message.people);
  switch (message.type) {
    case 'join':
      // The first word of the server is one's own coming.
      if (me === null || retries > 0) {
        me = message.from;
        addEvent(retries > 0 ? 'Connected again.' : `You are here as ${me}.`);
        retries = 0;
      } else {
        addEvent(`${message.from} came.`);
      }
      break;
    case 'leave':
      addEvent(`${message.from} left.`);
      break;
    case 'message':
      addMessage(message);
      break;
    case 'notice':
      // What the server has to say, such as that it closes.
      addEvent(message.text, 'notice');
      break;
  }
}

function connect() {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const query = wantedName ? `?name=${encodeURIComponent(wantedName)}` : '';
  socket = new WebSocket(`${scheme}://${location.host}/rooms/${room}${query}`);
  const opened = socket;
  let wasOpen = false;
  opened.onopen = () => {
    wasOpen = true;
    byId('room-name').textContent = `# ${room}`;
    setProblem('');
    setState('');
    show('room');
  };
  opened.onmessage = ({ data }) => receive(JSON.parse(data));
  opened.onclose = (event) => {
    if (opened !== socket) return;
    if (event.code === 1001) endRoom('This server has closed.');
    else if (wasOpen || me !== null) retry();
    else explainRefusal();
  };
}

function retry() {
  const delay = RETRY_MS[retries];
  if (delay === undefined) return endRoom('The connection is lost and does not come back.');
  retries++;
  setState('The connection is lost. Trying again …');
  retryTimer = setTimeout(connect, delay);
}

/** The room stays on the screen, to be read. */
function endRoom(text) {
  socket = null;
  setState(text);
}

/** Browsers hide why a WebSocket was refused, so the server is asked. */
async function explainRefusal() {
  try {
    const { draining } = await (await fetch('/status')).json();
    setProblem(
      draining
        ? 'This server is finishing its last conversations and takes nobody new.'
        : 'The server refused the connection. Try again.',
    );
  } catch {
    setProblem('The server cannot be reached. Try again in a moment.');
  }
}

function leave() {
  const left = socket;
  clearTimeout(retryTimer);
  socket = null;
  me = null;
  retries = 0;
  left?.close(1000);
  byId('log').replaceChildren();
  history.replaceState(null, '', location.pathname);
  show('enter');
}

byId('enter').addEventListener('submit', (event) => {
  event.preventDefault();
  room = byId('room').value.trim();
  wantedName = byId('name').value.trim();
  try {
    localStorage.setItem('name', wantedName);
  } catch {
    // A browser that keeps nothing still chats.
  }
  history.replaceState(null, '', `#${room}`);
  connect();
});

byId('say').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = byId('text').value.trim();
  if (text === '' || socket?.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ type: 'message', text }));
  byId('text').value = '';
});

byId('leave').addEventListener('click', leave);
addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !views.room.hidden) byId('text').focus();
});

try {
  byId('name').value = localStorage.getItem('name') ?? '';
} catch {
  // See above.
}
const wanted = location.hash.slice(1);
if (/^[A-Za-z0-9_-]{1,32}$/.test(wanted)) byId('room').value = wanted;
show('enter');
