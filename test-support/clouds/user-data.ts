/** What cloud-init finds in a server's user data. */
import { gunzipSync } from 'node:zlib';

/** Its parts, each decoded. Throws where it has a form that this reader does not know. */
export function partsOfUserData(userData: string): string[] {
  const boundary = /^Content-Type: multipart\/mixed; boundary="([^"]+)"\nMIME-Version: 1\.0\n\n/.exec(userData)?.[1];
  if (boundary === undefined) return userData === '' ? [] : [userData];
  const [, ...sections] = userData.split(`--${boundary}`);
  return sections.filter((section) => !section.startsWith('--')).flatMap(decodedPart);
}

function decodedPart(section: string): string[] {
  const [head = '', ...rest] = section.replace(/^\n/, '').split('\n\n');
  const body = rest.join('\n\n').replace(/\n$/, '');
  if (/Content-Transfer-Encoding: quoted-printable/.test(head)) {
    const bytes = body.replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    return [Buffer.from(bytes, 'latin1').toString('utf8')];
  }
  if (/Content-Type: application\/gzip\nContent-Transfer-Encoding: base64/.test(head)) {
    const [first, ...archive] = gunzipSync(Buffer.from(body, 'base64')).toString('utf8').split('\n');
    if (first !== '#cloud-config-archive') throw new Error(`an archive that nobody reads: ${first ?? ''}`);
    return (JSON.parse(archive.join('\n')) as { content: string }[]).map(({ content }) => content);
  }
  throw new Error(`a part of user data that nobody reads: ${head}`);
}
