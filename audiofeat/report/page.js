
// The sections are where the document says they are; this connects them to the player.
(function () {
  "use strict";
  const NEAR = 0.02; // seconds by which a player may stop short of where it was sent
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const one = (selector) => document.querySelector(selector);

  const player = one("audio");
  const slider = one(".timeline");
  const cursor = one(".cursor");
  const repeat = one(".repeat");
  const duration = Number(slider.getAttribute("aria-valuemax"));
  const sections = all("tbody tr").map((row) => ({
    row: row,
    start: Number(row.dataset.start),
    end: Number(row.dataset.end),
    label: row.querySelector("th").textContent,
    marks: all(`.timeline [data-of="${row.dataset.of}"]`),
  }));
  const buttons = all(".jump");
  let current = -1; // the section that is shown as sounding
  let repeated = -1; // the one that is to sound again
  let spoken = ""; // what the slider says

  document.body.classList.add("follows");

  const clock = (t) => `${Math.floor(t / 60)}:${String(Math.floor(t % 60)).padStart(2, "0")}`;
  const sectionAt = (t) => Math.max(0, sections.findLastIndex((section) => section.start <= t + NEAR));

  function show() {
    const t = player.currentTime;
    if (repeated >= 0 && !player.paused && t >= sections[repeated].end - NEAR) {
      player.currentTime = sections[repeated].start;
      return;
    }
    const share = `${Math.min(100, (100 * t) / duration)}%`;
    const rest = `${Math.max(0, 100 - (100 * t) / duration)}%`;
    cursor.style.left = share;
    for (const line of all(".at-x")) for (const end of ["x1", "x2"]) line.setAttribute(end, share);
    for (const line of all(".at-x")) line.setAttribute("y2", "100%");
    for (const line of all(".at-y")) for (const end of ["y1", "y2"]) line.setAttribute(end, rest);
    const now = sectionAt(t);
    if (now !== current) mark(now);
    const place = `section ${now + 1} of ${sections.length}: ${sections[now].label}`;
    const words = `${clock(t)} of ${clock(duration)}, ${place}`;
    if (words !== spoken) {
      spoken = words;
      slider.setAttribute("aria-valuenow", t.toFixed(2));
      slider.setAttribute("aria-valuetext", words);
      one("p.now").textContent = place[0].toUpperCase() + place.slice(1);
    }
  }

  function mark(now) {
    if (current >= 0) {
      sections[current].row.removeAttribute("aria-current");
      for (const part of sections[current].marks) part.classList.remove("now");
    }
    current = now;
    sections[now].row.setAttribute("aria-current", "true");
    for (const part of sections[now].marks) part.classList.add("now");
    for (const part of sections[now].marks) if (part.closest(".strip")) part.parentNode.append(part); // drawn above
  }

  function follow() {
    show();
    if (!player.paused) requestAnimationFrame(follow);
  }

  function play() {
    player.play().catch(() => {}); // the player's own event tells why
  }

  function seek(t) {
    player.currentTime = Math.min(Math.max(t, 0), duration);
    if (repeated >= 0) repeated = sectionAt(player.currentTime);
    show();
  }

  function jump(number) {
    seek(sections[number].start);
    play();
  }

  function toggle() {
    if (player.paused) play();
    else player.pause();
  }

  function previous() {
    const late = player.currentTime > sections[current].start + 2;
    seek(sections[late ? current : Math.max(0, current - 1)].start);
  }

  function next() {
    seek(current + 1 < sections.length ? sections[current + 1].start : duration);
  }

  for (const name of ["seeking", "seeked", "timeupdate", "loadedmetadata"]) player.addEventListener(name, show);
  player.addEventListener("play", follow);
  player.addEventListener("ended", () => {
    if (repeated >= 0) jump(repeated);
  });
  player.addEventListener("error", () => {
    one(".trouble").hidden = false;
  });

  one(".previous").addEventListener("click", previous);
  one(".next").addEventListener("click", next);
  repeat.addEventListener("click", () => {
    repeated = repeated < 0 ? current : -1;
    repeat.setAttribute("aria-pressed", String(repeated >= 0));
  });

  sections.forEach((section, number) => {
    section.row.addEventListener("click", () => jump(number));
    const block = section.marks.find((part) => part.closest(".strip"));
    block.addEventListener("click", () => jump(number));
  });

  function scrub(picture) {
    let held = false;
    const to = (event) => {
      const box = picture.getBoundingClientRect();
      seek((duration * (event.clientX - box.left)) / box.width);
    };
    picture.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      held = true;
      picture.setPointerCapture(event.pointerId);
      to(event);
    });
    picture.addEventListener("pointermove", (event) => {
      if (held) to(event);
    });
    for (const name of ["pointerup", "pointercancel"]) picture.addEventListener(name, () => { held = false; });
  }
  scrub(one(".wave"));
  for (const picture of all(".matrix")) scrub(picture);

  const keys = {
    ArrowLeft: () => seek(player.currentTime - 5),
    ArrowDown: () => seek(player.currentTime - 5),
    ArrowRight: () => seek(player.currentTime + 5),
    ArrowUp: () => seek(player.currentTime + 5),
    PageUp: previous,
    PageDown: next,
    Home: () => seek(0),
    End: () => seek(duration),
    Enter: toggle,
    " ": toggle,
  };
  function answer(event, action) {
    if (action === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    action();
  }
  slider.addEventListener("keydown", (event) => answer(event, keys[event.key]));

  one("tbody").addEventListener("keydown", (event) => {
    const at = buttons.indexOf(event.target);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at >= 0 && to !== undefined) answer(event, () => (buttons[to] || buttons[at]).focus());
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === " " && event.target === document.body) answer(event, toggle);
  });

  show();
})();
