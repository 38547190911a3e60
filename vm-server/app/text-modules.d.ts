/** Files that the build puts into the program as text. */
declare module '*.html' {
  const text: string;
  export = text;
}
declare module '*.css' {
  const text: string;
  export = text;
}
declare module '*.page.js' {
  const text: string;
  export = text;
}
