/** Loaded before a program: its wall clock is TEST_CLOCK_SHIFT_MS off, as on a computer whose clock was never set. */
const shiftMs = Number(process.env['TEST_CLOCK_SHIFT_MS']);
const RealDate = Date;

globalThis.Date = class Date extends RealDate {
  constructor(...parts) {
    super(...(parts.length === 0 ? [RealDate.now() + shiftMs] : parts));
  }

  static now() {
    return RealDate.now() + shiftMs;
  }
};
