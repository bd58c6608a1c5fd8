// Colours code a little: comments, strings, numbers and the words that many languages share.
// It makes nodes of text, never markup.

const WORDS = new Set((
  "abstract as async await bool boolean break case catch char class const continue def default defer del do double elif else enum " +
  "export extends false final finally float fn for from func function go if impl import in int interface is lambda let loop " +
  "match mod move mut new nil none None not null or and package pass pub public private protected raise ref return select self " +
  "static string struct super switch this throw trait true True False try type union unsafe use var void where while with yield"
).split(" "));

const TOKEN = /(\/\/[^\n]*|#(?![0-9a-fA-F]{3,8}\b)[^\n]*|--\s[^\n]*|\/\*[^]*?(?:\*\/|$))|("(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|`(?:\\.|[^`\\])*`?)|(\b\d[\w.]*)|([A-Za-z_]\w*)/g;

export function highlighted(code) {
  const out = document.createDocumentFragment();
  let at = 0;
  for (const found of code.matchAll(TOKEN)) {
    const kind = found[1] ? "c" : found[2] ? "s" : found[3] ? "d" : WORDS.has(found[4]) ? "k" : "";
    if (!kind) continue;
    out.append(code.slice(at, found.index));
    const span = document.createElement("span");
    span.className = "t-" + kind;
    span.textContent = found[0];
    out.append(span);
    at = found.index + found[0].length;
  }
  out.append(code.slice(at));
  return out;
}
