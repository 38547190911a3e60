/** Tags: names of the whole account, which stay when nothing has them any more. */
import { checkTagName } from './checked-fields.ts';
import { notFound } from './api-error.ts';

export type TaggedType = 'droplet' | 'image';

interface Tag {
  name: string;
  /** `droplet/123`, and when each was tagged, in ms. */
  resources: Map<string, number>;
}

export class Tags {
  /** How long a new tag is missing from lists that are filtered by it; may be changed at any time. */
  lagMs = 0;
  /** By their names in small letters: two names that differ in case alone are one tag. */
  private readonly tags = new Map<string, Tag>();

  /** The tag of that name, made where there is none. */
  make(name: string, field = 'name'): Tag {
    checkTagName(name, field);
    const known = this.tags.get(name.toLowerCase());
    if (known !== undefined) return known;
    const tag: Tag = { name, resources: new Map() };
    this.tags.set(name.toLowerCase(), tag);
    return tag;
  }

  /** @throws ApiError 404 also for a name in other letters than the tag was made with. */
  get(name: string): Tag {
    const tag = this.tags.get(name.toLowerCase());
    if (tag?.name !== name) throw notFound();
    return tag;
  }

  all(): Tag[] {
    return [...this.tags.values()];
  }

  delete(name: string): void {
    this.get(name);
    this.tags.delete(name.toLowerCase());
  }

  assign(tag: Tag, type: TaggedType, id: number): void {
    const key = `${type}/${id}`;
    if (!tag.resources.has(key)) tag.resources.set(key, Date.now());
  }

  /** Names of all tags of one resource. */
  of(type: TaggedType, id: number): string[] {
    return this.all()
      .filter(({ resources }) => resources.has(`${type}/${id}`))
      .map(({ name }) => name);
  }

  /** Whether a list that is filtered by the tag shows the resource by now. */
  shows(name: string, type: TaggedType, id: number): boolean {
    const at = this.tags.get(name.toLowerCase())?.resources.get(`${type}/${id}`);
    return at !== undefined && Date.now() - at >= this.lagMs;
  }

  /** The resource is gone. */
  forget(type: TaggedType, id: number): void {
    for (const { resources } of this.tags.values()) resources.delete(`${type}/${id}`);
  }
}
