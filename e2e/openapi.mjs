// Judges the description of the API on standard input: prints what is wrong with it, and the version that it has.
import { Validator } from "@seriousme/openapi-schema-validator";

let text = "";
for await (const chunk of process.stdin) text += chunk;
const judge = new Validator();
const { valid, errors } = await judge.validate(text);
const operations = Object.values(judge.specification?.paths ?? {}).flatMap((path) => Object.values(path));
console.log(JSON.stringify({ valid, version: judge.version, operations: operations.length, errors: errors ?? [] }));
