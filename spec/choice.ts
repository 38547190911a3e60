/** `text`, then each value with its meaning. */
export function choice<Value extends string>(text: string, meanings: Record<Value, string>): string {
  const explained = Object.entries<string>(meanings).map(([value, meaning]) => `\`${value}\`: ${meaning}`);
  return `${text} ${explained.join('; ')}.`;
}
