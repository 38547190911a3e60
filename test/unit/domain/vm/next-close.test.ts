import { describe, expect, it } from 'vitest';
import { currentDetails } from '../../../../domain/vm/current-details.ts';
import { isImageFor } from '../../../../domain/vm/imaging.ts';
import { vmView } from '../../../../domain/vm/view.ts';
import { isOnOffer } from '../../../../domain/pool/reuse.ts';
import { canBeTakenBack } from '../../../../domain/vm/take-back.ts';
import { Life, MACHINE_ID, START, unnamed } from '../../../../test-support/vm/vm-life.ts';

const users = { sequence: 5, connections: 1 };
const closing = (): Life => Life.ready().at(30, 'closeRequested');
const imaging = (): Life => closing().at(40, 'machineStopped');
const snapshot = (): Life => Life.ready().at(30, 'snapshotRequested', { family: 'gold', name: 'v1' });

describe('a close', () => {
  it('stops the machine, makes an image in the family of the VM, and ends the VM once that is kept', () => {
    expect(closing().state).toBe('stopping');
    const life = imaging();
    expect(life.state).toBe('imaging');
    const imageId = `${MACHINE_ID}-i4`;
    expect(vmView(life.vm, START)).toMatchObject({
      keeps: ['disk'],
      pendingImage: { imageId, family: 'lobby', closes: true },
    });
    expect(currentDetails(life.vm, START)).toContain('imaging');
    life.at(50, 'imageKept');
    expect([life.state, life.reason]).toEqual(['destroying', 'closed']);
    life.at(60, 'machineGone');
    expect([life.state, life.reason]).toEqual(['destroyed', 'closed']);
  });

  it('of a VM with users needs force', () => {
    const life = Life.ready().at(20, 'report', users).at(30, 'closeRequested');
    expect(life.state).toBe('running');
    expect(life.at(31, 'closeRequested', { force: true }).state).toBe('stopping');
  });

  it('whose image cannot be made leaves the VM stopped with its disk, and says why', () => {
    const life = imaging().at(50, 'imageFailed');
    expect(life.state).toBe('stopped');
    const view = vmView(life.vm, START);
    expect(view).toMatchObject({
      reason: 'requested',
      detail: 'no image was made: diskFull: no room',
      keeps: ['disk'],
    });
    expect(view).not.toHaveProperty('pendingImage');
    expect(life.at(60, 'startRequested').state).toBe('starting');
  });

  it('is taken back by a start: the image that is being made stays, and the VM goes on', () => {
    const life = imaging().at(45, 'startRequested').at(50, 'imageKept');
    expect(life.state).toBe('starting');
    expect(closing().at(35, 'startRequested').at(40, 'machineStopped').state).toBe('starting');
  });

  it('is not cut short by the longest life of the VM while its image is made', () => {
    expect(imaging().until(20_000).state).toBe('imaging');
  });

  it('of a machine that is to be reset first is refused, for what is in it was of somebody else', () => {
    const left = (): Life => unnamed(Life.ready({ idle: { action: 'none' } }));
    const wish = { reset: true } as const;
    const stopped = (): Life => left().at(20, 'stopRequested').at(25, 'machineStopped').at(30, 'takenBack', wish);
    const drained = (): Life => left().at(20, 'drain').at(21, 'drainingNotified').at(30, 'takenBack', wish);
    const again = (): Life => stopped().at(31, 'stopRequested').at(32, 'machineStopped');
    for (const given of [stopped, drained, again]) {
      expect(given().vm.reset).toBeDefined();
      for (const kind of ['closeRequested', 'snapshotRequested'] as const) {
        const { vm } = given();
        expect(given().at(35, kind).vm).toEqual(vm);
      }
    }
    const reset = stopped().at(35, 'machineStarted').at(40, 'machineReady');
    expect(reset.at(45, 'closeRequested').at(50, 'machineStopped').state).toBe('imaging');
  });

  it('whose image cannot be made leaves a disk that somebody wants back: it is given to no other create', () => {
    const life = unnamed(Life.ready()).at(30, 'closeRequested').at(40, 'machineStopped').at(50, 'imageFailed');
    expect(life.state).toBe('stopped');
    expect(isOnOffer(vmView(life.vm, START))).toBe(false);
    expect(canBeTakenBack(life.vm, { claim: 'c-1', reset: true, at: START + 55_000 })).toBe(false);
  });

  it('on a lost host is none: nobody can make an image there', () => {
    const life = Life.ready().at(30, 'stopRequested').at(40, 'machineStopped').at(50, 'hostLost');
    expect(life.at(60, 'closeRequested').state).toBe('stopped');
    expect(imaging().at(45, 'hostLost').state).toBe('stopped');
  });

  it('is what emptiness leads to where the spec says so, for the reason that it was empty', () => {
    const life = Life.ready({ idle: { action: 'close' } })
      .until(210)
      .at(211, 'confirmAnswered');
    expect([life.state, life.reason]).toEqual(['stopping', 'neverConnected']);
    expect(life.at(220, 'machineStopped').state).toBe('imaging');
    expect(life.at(230, 'imageKept').reason).toBe('closed');
  });
});

describe('a snapshot', () => {
  it('of a VM that runs stops it, makes the image that was asked for, and starts it again', () => {
    const life = snapshot().at(40, 'machineStopped');
    expect(vmView(life.vm, START).pendingImage).toMatchObject({ family: 'gold', name: 'v1', closes: false });
    expect(life.at(50, 'imageKept').state).toBe('starting');
  });

  it('that fails starts it again all the same', () => {
    expect(snapshot().at(40, 'machineStopped').at(50, 'imageFailed').state).toBe('starting');
  });

  it('of a stopped VM leaves it stopped, whatever becomes of the image', () => {
    const stopped = (): Life =>
      Life.ready().at(20, 'stopRequested').at(25, 'machineStopped').at(30, 'snapshotRequested');
    expect(stopped().at(50, 'imageKept').state).toBe('stopped');
    expect(stopped().at(50, 'imageFailed').state).toBe('stopped');
    expect(stopped().at(40, 'startRequested').at(50, 'imageKept').state).toBe('starting');
  });

  it('that is to follow a stop is made, whatever is asked for meanwhile', () => {
    expect(snapshot().at(31, 'stopRequested').at(40, 'machineStopped').at(50, 'imageKept').state).toBe('stopped');
    expect(snapshot().at(31, 'startRequested').at(40, 'machineStopped').state).toBe('imaging');
    expect(snapshot().at(31, 'closeRequested').at(40, 'machineStopped').at(50, 'imageKept').state).toBe('starting');
  });

  it('is made once for one request, however often that comes, and says in its id whose it is', () => {
    const [request, other] = ['0123456789abcdef0123', 'fedcba9876543210fedc'];
    const life = Life.ready().at(30, 'snapshotRequested', { request });
    const stopping = life.vm;
    expect(life.at(31, 'snapshotRequested', { request }).vm).toBe(stopping);
    const imageId = vmView(life.at(40, 'machineStopped').vm, START).pendingImage?.imageId ?? '';
    expect([isImageFor(imageId, request), isImageFor(imageId, other)]).toEqual([true, false]);
    life.at(50, 'imageKept').at(60, 'machineStarted').at(70, 'machineReady');
    const ready = life.vm;
    expect(life.at(80, 'snapshotRequested', { request }).vm).toBe(ready);
    expect(life.at(81, 'snapshotRequested', { request: other }).state).toBe('stopping');
  });

  it('that was refused is made when its request comes again', () => {
    const request = '0123456789abcdef0123';
    const life = Life.ready().at(20, 'report', users).at(30, 'snapshotRequested', { request });
    expect(life.state).toBe('running');
    expect(life.at(31, 'snapshotRequested', { request, force: true }).state).toBe('stopping');
  });

  it('of a VM with users needs force', () => {
    const life = Life.ready().at(20, 'report', users).at(30, 'snapshotRequested');
    expect(life.state).toBe('running');
    expect(life.at(31, 'snapshotRequested', { force: true }).state).toBe('stopping');
  });
});

describe('a VM whose disk began with an image', () => {
  it('says so, and so does what takes the place of its lost machine', () => {
    const startFrom = { imageId: 'm-old-i9', host: 'host-1' };
    const life = Life.ready({ startFrom, onLost: 'recreate' });
    expect(vmView(life.vm, START).startedFrom).toBe('image');
    life.at(20, 'machineLost').at(30, 'machineGone', { nextMachineId: MACHINE_ID }).at(40, 'machineCreated');
    expect(vmView(life.vm, START).startedFrom).toBe('image');
  });
});
