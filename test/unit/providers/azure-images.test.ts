import { describe, expect, it } from 'vitest';
import { DEFAULT_IMAGE, imageReferenceOf, refuseKeptDisk } from '../../../providers/azure/machine/image-reference.ts';
import { serverNameOf } from '../../../providers/cloud/resource-names.ts';

const GROUP = { subscription: '8d10da13-8125-4ba9-a717-bf7490507b3d', resourceGroup: 'machines' };
const refuse = (image: string): void => refuseKeptDisk(image, GROUP, DEFAULT_IMAGE);
const inGroup = (group: string, path: string, subscription = GROUP.subscription): string =>
  `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Compute/${path}`;

describe('the disk of a VM that was closed', () => {
  const kept = serverNameOf('test', 'm-0123456789abcdef0123-i1');

  it('is the image of nobody who names it, in whatever group and subscription, for other deployments have users too', () => {
    const elsewhere = '00000000-8125-4ba9-a717-bf7490507b3d';
    const spellings = [
      kept,
      kept.toUpperCase(),
      inGroup('machines', `images/${kept}`),
      inGroup('MACHINES', `IMAGES/${kept}`),
      inGroup('others', `images/${kept}`),
      inGroup('machines', `images/${kept}`, elsewhere),
    ];
    for (const image of spellings) expect(() => refuse(image), image).toThrow(/is what a VM was closed into/);
  });

  it('is reached by no spelling that Azure might read otherwise than we do', () => {
    const spellings = [
      inGroup('machines', `images/%65${kept.slice(1)}`),
      inGroup('machines', `images/.%2f${kept}`),
      inGroup('mach%69nes', 'images/web'),
      inGroup('machines', `images/ ${kept}`),
      inGroup('machines', `images/x?y=/${kept}`),
      inGroup('machines', `images/..`),
    ];
    for (const image of spellings) expect(() => refuse(image), image).toThrow(/is no image/);
  });

  it('is not taken for an image of somebody who makes images', () => {
    const images = [
      'web',
      'my-eph-web',
      'gallery/eph-web',
      inGroup('others', 'images/web-1.2'),
      inGroup('Others(x)', 'galleries/eph_all/images/eph-web/versions/1.0.0'),
      'Canonical:eph-lts:minimal:latest',
    ];
    for (const image of images) expect(() => refuse(image), image).not.toThrow();
    expect(imageReferenceOf(images[3]!, GROUP, DEFAULT_IMAGE)).toEqual({ id: images[3] });
  });
});
