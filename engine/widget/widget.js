// The shopper's side of a conversation, in one script tag:
//
//   <script src="https://care.example/widget.js" data-key="care_ingest_…" data-token="…" async></script>
//
// data-key    the page's write key: it opens sessions and reads nothing
// data-token  a token of the shop that says who reads the page; without it the reader is anonymous
// data-lang   en or zh; otherwise what the page says of itself (<html lang>), else the browser
// data-theme  light or dark; otherwise as the system is set
//
// A page whose tokens end while it is open gives new ones: window.careToken = async () => '…'. window.care.open() and .close() move the
// panel. Nothing of the page is read, and nothing of it is changed but one element at its end; the look comes from --care-accent and
// --care-on-accent, if the page sets them.
(() => {
  'use strict';
  const script = document.currentScript;
  if (window.care || !script) return;
  const base = new URL(script.src).origin;
  const { key = '', token: firstToken = null } = script.dataset;

  // ---- words -----------------------------------------------------------------------------------------------------------------------

  const WORDS = {
    en: {
      title: 'How can we help?', subtitle: 'AI assistant, with people behind it', human: (name) => `You are talking to ${name}`, person: 'a person',
      open: 'Open chat', close: 'Close chat', unread: (n) => (n === 1 ? '1 new message' : `${n} new messages`), log: 'Conversation',
      placeholder: 'Ask a question…', field: 'Your message', send: 'Send', you: 'You', ai: 'AI', aiLong: 'AI assistant', automatic: 'Automatic message',
      offer: 'For you', sources: 'Sources', typing: 'The assistant is writing', empty: 'Ask about orders, delivery or returns. You get an answer with its sources, or a person.',
      failed: 'Not sent.', again: 'Try again', sending: 'Sending…', connecting: 'Connecting…', lost: 'No connection. Trying again…',
      ended: 'This page has been open for long. Please reload it to go on.', away: 'Chat is not available right now.', long: (n) => `${n} characters too many`,
      dismiss: 'Dismiss', erased: 'Earlier messages were deleted.',
    },
    zh: {
      title: '有什么可以帮您？', subtitle: '人工智能助手，必要时转人工', human: (name) => `正在为您服务：${name}`, person: '人工客服',
      open: '打开聊天', close: '关闭聊天', unread: (n) => `${n} 条新消息`, log: '对话',
      placeholder: '请输入您的问题…', field: '您的消息', send: '发送', you: '您', ai: 'AI', aiLong: '人工智能助手', automatic: '自动消息',
      offer: '为您推荐', sources: '来源', typing: '助手正在输入', empty: '可以询问订单、配送或退货。您会得到附有来源的回答，或由人工为您解答。',
      failed: '未发送。', again: '重试', sending: '发送中…', connecting: '连接中…', lost: '连接已断开，正在重试…',
      ended: '页面打开时间过长，请刷新后继续。', away: '聊天暂时不可用。', long: (n) => `超出 ${n} 个字符`,
      dismiss: '忽略', erased: '较早的消息已删除。',
    },
  };
  const lang = [script.dataset.lang, document.documentElement.lang, navigator.language, 'en']
    .map((tag) => (tag ?? '').slice(0, 2).toLowerCase()).find((tag) => tag in WORDS);
  const words = WORDS[lang];

  const TEXT_MAX = 4000;
  const TRIES_MAX = 4;
  const SILENCE_MS = 40000; // the server says that it is alive every 15 s
  const WAIT_MAX_MS = 15000;

  // ---- what is known ---------------------------------------------------------------------------------------------------------------

  const random = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const page = random();
  const state = {
    token: firstToken, session: null, customer: '', isOpen: false, phase: 'idle', owner: 'bot', agent: '', last: null, newest: { epoch: 0, attempt: 0 },
    turns: [], pending: [], piece: null, waits: false, seen: -1, told: -1, erased: false, teased: -1, isStale: false,
  };

  /** Storage that may be forbidden, full or shared: what it does not hold is done without. */
  const kept = {
    get(area, name) { try { return JSON.parse(window[area].getItem(name)); } catch { return null; } },
    set(area, name, value) { try { window[area].setItem(name, JSON.stringify(value)); } catch { /* without it */ } },
  };

  // ---- what the server is asked ------------------------------------------------------------------------------------------------------

  class Refused extends Error {
    constructor(status, waitMs) { super(`status ${status}`); Object.assign(this, { status, waitMs }); }
  }

  async function ask(path, body, bearer, options = {}) {
    const headers = { authorization: `Bearer ${bearer}`, ...options.headers };
    if (body) headers['content-type'] = 'application/json';
    const answer = await fetch(base + path, { method: body ? 'POST' : 'GET', body: body && JSON.stringify(body), credentials: 'omit', ...options, headers });
    if (!answer.ok) throw new Refused(answer.status, 1000 * (Number(answer.headers.get('retry-after')) || 0));
    return answer;
  }

  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const backoff = (tries) => Math.min(WAIT_MAX_MS, 500 * 2 ** tries) * (0.5 + Math.random() / 2);

  /** Returns a session that is good for a while: the one there is, the one of this tab, or a new one. */
  async function session() {
    const good = (one) => one && one.ends > Date.now() + 5000;
    if (good(state.session)) return state.session.session;
    const earlier = state.token ? kept.get('sessionStorage', 'care-known') : kept.get('localStorage', 'care-anonymous');
    const isOfToken = !state.token || earlier?.token === state.token;
    if (isOfToken && good(earlier) && !state.isStale) return use(earlier).session;
    if ((state.session || state.isStale) && state.token) state.token = (await window.careToken?.()) ?? state.token;
    const opening = state.token ? { page, token: state.token } : { page, ...(earlier?.session && { session: earlier.session }) };
    let opened;
    try {
      opened = await (await ask('/chat/session', opening, key)).json();
    } catch (error) {
      if (error.status !== 401 || !state.token || !window.careToken) throw error;
      state.token = await window.careToken();
      opened = await (await ask('/chat/session', { page, token: state.token }, key)).json();
    }
    if (opened.known) kept.set('sessionStorage', 'care-known', { ...opened, token: state.token });
    else kept.set('localStorage', 'care-anonymous', opened);
    return use(opened).session;
  }

  function use(opened) {
    Object.assign(state, { session: opened, isStale: false });
    state.customer = JSON.parse(atob(opened.session.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).sub;
    state.seen = Math.max(state.seen, kept.get('localStorage', `care-seen:${state.customer}`) ?? -1);
    state.told = Math.max(state.told, state.seen);
    return opened;
  }

  // ---- listening -----------------------------------------------------------------------------------------------------------------------

  let listening = false;
  let line = null;

  /** Listens for as long as the page lives: a line that is cut is taken up where it ended. */
  async function listen() {
    if (listening) return;
    listening = true;
    for (let tries = 0; ; tries += 1) {
      try {
        phase(state.last === null && tries === 0 ? 'connecting' : state.phase);
        await hear(() => { tries = 0; });
      } catch (error) {
        if (error.status === 401) Object.assign(state, { session: null, isStale: true });
        if (error.status === 401 && tries > 1) {
          listening = false;
          return phase(state.token ? 'ended' : 'away');
        }
        if (tries > 0) phase('lost');
        await Promise.race([sleep(Math.max(error.waitMs ?? 0, backoff(tries))), new Promise((done) => addEventListener('online', done, { once: true }))]);
      }
    }
  }

  /** Hears one line to its end. */
  async function hear(began) {
    line = new AbortController();
    const headers = state.last === null ? {} : { 'last-event-id': String(state.last) };
    const answer = await ask('/chat/stream', null, await session(), { headers, signal: line.signal, cache: 'no-store' });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const watch = setTimeout(() => line.abort(), SILENCE_MS);
      const { value, done } = await reader.read().finally(() => clearTimeout(watch));
      if (done) return;
      text += value;
      const events = text.split('\n\n');
      text = events.pop();
      events.forEach((event) => take(event, began));
    }
  }

  function take(event, began) {
    const fields = Object.fromEntries(event.split('\n').map((field) => [field.slice(0, field.indexOf(':')), field.slice(field.indexOf(':') + 2)]));
    if (!fields.data) return;
    const data = JSON.parse(fields.data);
    if (fields.event === 'ready') { state.owner = data.owner; began(); phase('ready'); }
    else if (fields.event === 'turn') turn(data);
    else if (fields.event === 'piece') piece(data);
    else if (fields.event === 'forgotten') { state.turns = state.turns.filter((one) => one.number >= data.below); state.erased = true; draw(); }
  }

  function turn(data) {
    if (state.last !== null && data.number <= state.last) return;
    state.last = data.number;
    state.newest = { epoch: data.epoch, attempt: data.attempt };
    state.pending = state.pending.filter((one) => one.id !== data.message || data.speaker !== 'customer');
    if (state.piece && (state.piece.attempt <= data.attempt || state.piece.epoch < data.epoch)) state.piece = null;
    if (data.act === 'took_over') Object.assign(state, { owner: 'human', agent: data.by });
    if (data.act === 'handed_back') Object.assign(state, { owner: 'bot', agent: '' });
    if (data.speaker === 'agent' && data.by) state.agent = data.by;
    state.waits = data.speaker === 'customer' ? state.owner === 'bot' : false;
    if (data.speaker === 'customer') state.seen = Math.max(state.seen, data.number);
    state.turns.push(data);
    draw();
    see();
  }

  function piece(data) {
    if (data.epoch < state.newest.epoch || data.attempt <= state.newest.attempt) return;
    const known = state.piece;
    if (data.nth === 0) state.piece = { ...data, next: 1 };
    else if (known && known.attempt === data.attempt && known.epoch === data.epoch && known.next === data.nth) {
      known.text += data.text;
      known.next += 1;
    } else return;
    draw();
  }

  // ---- saying, and having seen ---------------------------------------------------------------------------------------------------------

  async function send(message) {
    message.state = 'sending';
    draw();
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      try {
        await ask('/chat/messages', { id: message.id, text: message.text, lang }, await session());
        message.state = 'sent';
        state.waits = state.owner === 'bot';
        listen();
        return draw();
      } catch (error) {
        if (error.status === 401) Object.assign(state, { session: null, isStale: true });
        const isFinal = error.status >= 400 && error.status < 500 && ![401, 408, 429].includes(error.status);
        if (isFinal || tries + 1 === TRIES_MAX) break;
        await sleep(Math.max(error.waitMs ?? 0, backoff(tries)));
      }
    }
    message.state = 'failed';
    draw();
  }

  function say(text) {
    const message = { id: random(), text, state: 'sending' };
    state.pending.push(message);
    send(message);
  }

  /** Tells what was shown: everything, while the panel is open and the page is looked at. */
  async function see(clicked) {
    const isShown = state.isOpen && document.visibilityState === 'visible' && state.last !== null;
    if (isShown && state.last > state.seen) { state.seen = state.last; draw(); }
    if (!isShown && clicked === undefined) return;
    kept.set('localStorage', `care-seen:${state.customer}`, state.seen);
    const others = state.turns.filter((one) => one.speaker !== 'customer' && one.number > state.told && one.number <= state.seen);
    if (!others.length && clicked === undefined) return;
    const [from, before] = [others[0]?.number ?? clicked, state.told];
    state.told = state.seen;
    const body = { from, number: Math.max(state.seen, clicked ?? 0), ...(clicked !== undefined && { clicked }) };
    // Not taken: told again with what is seen next.
    await session().then((bearer) => ask('/chat/seen', body, bearer, { keepalive: true })).catch(() => { state.told = before; });
  }

  // ---- what it looks like --------------------------------------------------------------------------------------------------------------

  const STYLE = `
    :host { all: initial; position: fixed; inset: auto 20px 20px auto; z-index: 2147483000; color-scheme: light dark;
      font: 400 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; }
    .root { --ground: #fffefb; --raised: #f4f2ec; --line: #e4e0d6; --ink: #201f1c; --soft: #66625a; --alert: #a8321f;
      --accent: var(--care-accent, #14594c); --on-accent: var(--care-on-accent, #ffffff); --tint: #e3efeb; --tint-ink: #10463c;
      --shadow: 0 1px 2px rgb(32 31 28 / .08), 0 12px 40px rgb(32 31 28 / .18); color: var(--ink); -webkit-font-smoothing: antialiased; }
    .root.dark { --ground: #191b1a; --raised: #252927; --line: #353a37; --ink: #ecebe6; --soft: #a5a79f; --alert: #ff9d8a;
      --accent: var(--care-accent, #7fd6bf); --on-accent: var(--care-on-accent, #08241d); --tint: #213a34; --tint-ink: #a9e6d6;
      --shadow: 0 1px 2px rgb(0 0 0 / .5), 0 12px 40px rgb(0 0 0 / .55); }
    * { box-sizing: border-box; margin: 0; }
    button, textarea { font: inherit; color: inherit; }
    button { cursor: pointer; border: 0; background: none; }
    :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
    [hidden] { display: none !important; }
    .launch { width: 56px; height: 56px; border-radius: 28px; background: var(--accent); color: var(--on-accent); box-shadow: var(--shadow);
      display: grid; place-items: center; margin-left: auto; position: relative; transition: transform .15s ease; }
    .launch:hover { transform: translateY(-2px); }
    .launch svg { width: 26px; height: 26px; }
    .badge { position: absolute; top: -3px; right: -3px; min-width: 22px; height: 22px; padding: 0 6px; border-radius: 11px; background: var(--alert);
      color: var(--ground); font-size: 12px; font-weight: 650; line-height: 22px; text-align: center; box-shadow: 0 0 0 2px var(--ground); }
    .teaser { width: min(300px, calc(100vw - 40px)); margin: 0 0 12px auto; background: var(--ground); border: 1px solid var(--line);
      border-radius: 14px 14px 4px 14px; box-shadow: var(--shadow); display: flex; }
    .teaser .read { flex: 1; text-align: left; padding: 12px 4px 12px 14px; border-radius: inherit; }
    .teaser .read span { display: -webkit-box; -webkit-line-clamp: 3; -webkit-box-orient: vertical; overflow: hidden; overflow-wrap: anywhere; }
    .icon { width: 36px; height: 36px; border-radius: 10px; display: grid; place-items: center; flex: none; color: var(--soft); }
    .icon:hover { background: var(--raised); color: var(--ink); }
    .icon svg { width: 18px; height: 18px; }
    .panel { width: 384px; height: min(620px, calc(100vh - 40px)); background: var(--ground); border: 1px solid var(--line); border-radius: 18px;
      box-shadow: var(--shadow); display: flex; flex-direction: column; overflow: hidden; }
    header { display: flex; align-items: center; gap: 12px; padding: 14px 12px 14px 18px; border-bottom: 1px solid var(--line); }
    header div { flex: 1; min-width: 0; }
    h2 { font-size: 16px; font-weight: 650; line-height: 1.35; letter-spacing: -.005em; }
    header p { font-size: 13px; line-height: 1.4; color: var(--soft); display: flex; align-items: center; gap: 6px; }
    header p::before { content: ""; width: 7px; height: 7px; border-radius: 50%; background: var(--accent); flex: none; }
    .root[data-phase="lost"] header p::before, .root[data-phase="connecting"] header p::before { background: var(--soft); }
    .note { padding: 7px 18px; font-size: 13px; background: var(--raised); color: var(--soft); border-bottom: 1px solid var(--line); }
    .log { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 18px; display: flex; flex-direction: column; gap: 14px; scrollbar-width: thin; }
    .log:focus-visible { outline-offset: -3px; }
    .empty { margin: auto 0; padding: 0 12px; text-align: center; color: var(--soft); }
    .turn { max-width: 88%; display: flex; flex-direction: column; align-items: flex-start; gap: 4px; }
    .turn.customer { align-self: flex-end; align-items: flex-end; }
    .turn.change { align-self: center; max-width: 100%; font-size: 13px; color: var(--soft); text-align: center; }
    .by { font-size: 12px; line-height: 1.4; color: var(--soft); display: flex; align-items: center; gap: 6px; padding-left: 2px; }
    .chip { font-size: 11px; font-weight: 650; line-height: 17px; letter-spacing: .02em; padding: 0 6px; border-radius: 5px; background: var(--tint); color: var(--tint-ink); }
    .text { padding: 9px 13px; border-radius: 4px 14px 14px 14px; background: var(--raised); white-space: pre-wrap; overflow-wrap: anywhere; }
    .customer .text { border-radius: 14px 14px 4px 14px; background: var(--accent); color: var(--on-accent); }
    .outreach .text { background: var(--ground); border: 1px solid var(--accent); }
    .text a { color: inherit; text-underline-offset: 2px; }
    sup { font-size: 11px; font-weight: 650; color: var(--tint-ink); background: var(--tint); border-radius: 4px; padding: 0 4px; margin: 0 1px 0 3px; line-height: 1; vertical-align: 2px; }
    .sources { list-style: none; padding: 2px 0 0 2px; font-size: 12.5px; line-height: 1.6; color: var(--soft); display: flex; flex-wrap: wrap; gap: 2px 12px; }
    .sources b { font-weight: 650; color: var(--tint-ink); margin-right: 4px; }
    .state { font-size: 12px; color: var(--soft); }
    .state.failed { color: var(--alert); }
    .state button { text-decoration: underline; text-underline-offset: 2px; font-weight: 600; padding: 4px; margin: -4px 0; }
    .dots { display: flex; gap: 4px; padding: 14px 13px; }
    .dots i { width: 7px; height: 7px; border-radius: 50%; background: var(--soft); animation: blink 1.2s infinite both; }
    .dots i:nth-child(2) { animation-delay: .15s; } .dots i:nth-child(3) { animation-delay: .3s; }
    .writing::after { content: "▍"; color: var(--accent); margin-left: 1px; animation: blink 1s steps(2) infinite; }
    @keyframes blink { 0%, 80%, 100% { opacity: .25; } 40% { opacity: 1; } }
    form { display: flex; align-items: flex-end; gap: 8px; padding: 12px; border-top: 1px solid var(--line); padding-bottom: max(12px, env(safe-area-inset-bottom)); }
    .field { flex: 1; min-width: 0; }
    textarea { display: block; width: 100%; height: 42px; max-height: 132px; padding: 9px 13px; resize: none; border: 1px solid var(--line); border-radius: 12px;
      background: var(--ground); line-height: 22px; }
    textarea::placeholder { color: var(--soft); opacity: 1; }
    textarea:focus { outline: 2px solid var(--accent); outline-offset: -1px; border-color: transparent; }
    .over { font-size: 12px; color: var(--alert); padding: 4px 2px 0; }
    .send { width: 42px; height: 42px; border-radius: 12px; background: var(--accent); color: var(--on-accent); display: grid; place-items: center; flex: none; }
    .send:disabled { background: var(--raised); color: var(--soft); cursor: default; }
    .send svg { width: 20px; height: 20px; }
    .quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    @media (max-width: 480px) {
      :host { inset: auto 16px 16px auto; }
      :host(.open) { inset: 0; }
      .panel { width: 100%; height: 100dvh; border: 0; border-radius: 0; }
      textarea { font-size: 16px; }
    }
    @media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } .dots i { opacity: .6; } }
  `;

  const svg = (path) => `<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="${path}"/></svg>`;
  const ICONS = {
    talk: svg('M20 12a8 8 0 0 1-8 8H4l1.8-3.2A8 8 0 1 1 20 12ZM8.5 10.5h7M8.5 13.8h4.5'),
    close: svg('M6 6l12 12M18 6L6 18'), send: svg('M5 12h13M12.5 6l6 6-6 6'),
  };

  const host = document.createElement('div');
  host.id = 'care-widget';
  const shadow = host.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  shadow.adoptedStyleSheets = [sheet];
  shadow.innerHTML = `
    <div class="root" lang="${lang}">
      <section class="panel" role="dialog" aria-labelledby="title" hidden>
        <header><div><h2 id="title"></h2><p></p></div><button class="icon close" type="button">${ICONS.close}</button></header>
        <div class="note" role="status" hidden></div>
        <div class="log" role="log" aria-live="polite" tabindex="0"></div>
        <form><div class="field"><textarea rows="1" enterkeyhint="send"></textarea><div class="over" role="alert" hidden></div></div>
          <button class="send" type="submit" disabled>${ICONS.send}</button></form>
      </section>
      <div class="teaser" hidden><button class="read" type="button"><div class="by"></div><span></span></button><button class="icon" type="button">${ICONS.close}</button></div>
      <button class="launch" type="button" aria-haspopup="dialog">${ICONS.talk}<span class="badge" aria-hidden="true" hidden></span></button>
      <div class="quiet" role="status"></div>
    </div>`;
  const at = (selector) => shadow.querySelector(selector);
  const [root, panel, log, note, field, over, submit, launch, badge, teaser, quiet] =
    ['.root', '.panel', '.log', '.note', 'textarea', '.over', '.send', '.launch', '.badge', '.teaser', '.quiet'].map(at);

  at('h2').textContent = words.title;
  at('.close').setAttribute('aria-label', words.close);
  log.setAttribute('aria-label', words.log);
  Object.assign(field, { placeholder: words.placeholder });
  field.setAttribute('aria-label', words.field);
  submit.setAttribute('aria-label', words.send);
  teaser.lastElementChild.setAttribute('aria-label', words.dismiss);

  const dark = matchMedia('(prefers-color-scheme: dark)');
  const theme = () => root.classList.toggle('dark', (script.dataset.theme ?? (dark.matches ? 'dark' : 'light')) === 'dark');
  dark.addEventListener('change', theme);
  theme();

  /** Makes an element of a class with children: texts and elements. */
  function element(name, className, ...children) {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  /** Returns a text with its references and links made of elements: nothing that was said is ever read as HTML. */
  function rich(text, data) {
    // A reference keeps to the word before it.
    return text.replace(/\s+(?=\[\d{1,2}\])/g, '\u2060').split(/(\[\d{1,2}\]|https?:\/\/[^\s<>"'）)，。]+)/).filter(Boolean).map((part) => {
      if (/^\[\d+\]$/.test(part) && data?.sources?.some((source) => `[${source.number}]` === part)) return element('sup', '', part.slice(1, -1));
      if (!/^https?:\/\//.test(part) || data?.speaker === 'customer') return part;
      const link = element('a', '', part);
      Object.assign(link, { href: part, target: '_blank', rel: 'noopener noreferrer' });
      link.addEventListener('click', () => see(data.number));
      return link;
    });
  }

  /** Returns who speaks: what is of no person says so. */
  function by(data) {
    const chip = { ai: words.ai, template: words.automatic }[data.made];
    const name = { bot: words.aiLong, agent: data.by || words.person, outreach: words.offer }[data.speaker];
    return element('div', 'by', chip ? element('span', 'chip', chip) : null, name);
  }

  function drawTurn(data) {
    if (data.act !== 'said') return element('div', 'turn change', data.text);
    const text = element('div', 'text', ...rich(data.text, data));
    if (data.lang) text.lang = data.lang;
    if (data.speaker === 'customer') return element('div', 'turn customer', element('span', 'quiet', `${words.you}: `), text);
    const source = (one) => element('li', '', element('b', '', String(one.number)), one.title);
    const sources = data.sources.length ? element('ul', 'sources', ...data.sources.map(source)) : null;
    sources?.setAttribute('aria-label', words.sources);
    return element('div', `turn ${data.speaker}`, by(data), text, sources);
  }

  function drawPending(message) {
    const turn = element('div', 'turn customer', element('span', 'quiet', `${words.you}: `), element('div', 'text', message.text));
    if (message.state === 'sending') turn.append(element('div', 'state', words.sending));
    if (message.state === 'failed') {
      const again = element('button', '', words.again);
      again.type = 'button';
      again.addEventListener('click', () => { send(message); field.focus(); });
      const failed = element('div', 'state failed', `${words.failed} `, again);
      failed.setAttribute('role', 'alert');
      turn.append(failed);
    }
    return turn;
  }

  function drawWriting() {
    const made = { made: 'ai', speaker: 'bot' };
    if (state.piece) return element('div', 'turn bot', by(made), element('div', 'text writing', state.piece.text));
    const dots = element('div', 'text dots', element('i'), element('i'), element('i'), element('span', 'quiet', words.typing));
    return element('div', 'turn bot', by(made), dots);
  }

  const drawn = new Map();

  /** Draws what has changed: a turn is drawn once, so that a screen reader reads it once. */
  function draw() {
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    const wanted = state.turns.map((data) => [`turn ${data.number}`, data, drawTurn]);
    if (state.erased && !state.turns.length) wanted.push(['erased', { act: 'changed', text: words.erased }, drawTurn]);
    for (const message of state.pending) wanted.push([`pending ${message.id} ${message.state}`, message, drawPending]);
    if (state.piece || state.waits) wanted.push([state.piece ? `piece ${state.piece.attempt} ${state.piece.next}` : 'dots', null, drawWriting]);
    if (!wanted.length) wanted.push(['empty', null, () => element('p', 'empty', words.empty)]);
    const names = new Set(wanted.map(([name]) => name));
    for (const [name, node] of drawn) if (!names.has(name)) { node.remove(); drawn.delete(name); }
    wanted.forEach(([name, data, make], place) => {
      if (!drawn.has(name)) drawn.set(name, make(data));
      if (log.children[place] !== drawn.get(name)) log.insertBefore(drawn.get(name), log.children[place] ?? null);
    });
    if (isAtEnd) log.scrollTop = log.scrollHeight;
    drawAround();
  }

  function drawAround() {
    const unread = state.turns.filter((one) => one.speaker !== 'customer' && one.number > state.seen);
    badge.hidden = !unread.length || state.isOpen;
    badge.textContent = unread.length > 9 ? '9+' : String(unread.length);
    launch.hidden = state.isOpen;
    launch.setAttribute('aria-label', unread.length ? `${words.open}, ${words.unread(unread.length)}` : words.open);
    const said = !state.isOpen && unread.length ? words.unread(unread.length) : '';
    if (quiet.textContent !== said) quiet.textContent = said;
    const offer = unread.findLast((one) => one.speaker === 'outreach' && one.number > state.teased);
    teaser.hidden = !offer || state.isOpen;
    if (offer) {
      at('.read .by').replaceWith(by(offer));
      at('.read > span').textContent = offer.text;
    }
    root.dataset.phase = state.phase;
    at('header p').textContent = state.owner === 'human' ? words.human(state.agent || words.person) : words.subtitle;
    const told = { connecting: words.connecting, lost: words.lost, ended: words.ended, away: words.away }[state.phase] ?? '';
    note.hidden = !told;
    if (note.textContent !== told) note.textContent = told;
  }

  function phase(now) {
    if (state.phase === now) return;
    state.phase = now;
    draw();
  }

  function open() {
    Object.assign(state, { isOpen: true });
    host.classList.add('open');
    panel.hidden = false;
    draw();
    log.scrollTop = log.scrollHeight;
    field.focus();
    listen();
    see();
  }

  function close() {
    Object.assign(state, { isOpen: false });
    host.classList.remove('open');
    panel.hidden = true;
    draw();
    launch.focus();
  }

  function typed() {
    field.style.height = '42px';
    field.style.height = `${Math.min(132, field.scrollHeight + 2)}px`;
    const more = [...field.value].length - TEXT_MAX;
    over.hidden = more <= 0;
    over.textContent = more > 0 ? words.long(more) : '';
    submit.disabled = !field.value.trim() || more > 0;
  }

  launch.addEventListener('click', open);
  at('.close').addEventListener('click', close);
  teaser.firstElementChild.addEventListener('click', open);
  teaser.lastElementChild.addEventListener('click', () => { state.teased = state.last; draw(); launch.focus(); });
  panel.addEventListener('keydown', (event) => { if (event.key === 'Escape' && !event.isComposing) close(); });
  field.addEventListener('input', typed);
  field.addEventListener('keydown', (event) => {
    // Enter that chooses among characters, as Chinese is typed, sends nothing.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    at('form').requestSubmit();
  });
  at('form').addEventListener('submit', (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    say(field.value.trim());
    field.value = '';
    typed();
    log.scrollTop = log.scrollHeight;
  });
  document.addEventListener('visibilitychange', () => see());

  window.care = Object.freeze({ open, close });
  const start = () => {
    document.body.append(host);
    draw();
    // Whom the shop knows may have been written to; an anonymous reader who never asked anything needs no line.
    if (state.token || kept.get('localStorage', 'care-anonymous')) listen();
  };
  if (document.body) start(); else addEventListener('DOMContentLoaded', start, { once: true });
})();
