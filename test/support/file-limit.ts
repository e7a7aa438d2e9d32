/*
 * Loaded into every test file by test/run.ts. node's test runner limits tests, but waits for ever for a file that leaves
 * something open behind its tests; this ends the file, which then counts as failed.
 */

/** The variable that holds the seconds a file may take, all in all. */
export const FILE_LIMIT = 'TEST_FILE_LIMIT_S';

const seconds = Number(process.env[FILE_LIMIT]);
if (process.env['NODE_TEST_CONTEXT'] !== undefined && seconds > 0) {
  setTimeout(() => {
    const open = [...new Set(process.getActiveResourcesInfo())].join(', ');
    process.stderr.write(`this file took longer than ${seconds} s and was ended; still open: ${open}\n`);
    process.exit(1);
  }, seconds * 1000).unref();
}
