// What node's test runner found: failed tests in full, then "N passed, N failed".
import { inspect } from 'node:util';

export default async function* report(events) {
    const path = [];
    let passed = 0;
    let failed = 0;
    for await (const { type, data } of events) {
        if (type === 'test:start') path[data.nesting] = data.name;
        if (type === 'test:stderr') process.stderr.write(data.message);
        if (type !== 'test:pass' && type !== 'test:fail') continue;
        const cause = data.details.error?.cause;
        if (data.details.type === 'suite' && !(type === 'test:fail' && data.details.error?.failureType === 'hookFailed')) continue;
        if (type === 'test:pass') {
            passed++;
        } else {
            failed++;
            const name = [...path.slice(0, data.nesting), data.name].join(': ');
            yield `FAILED ${name}\n${inspect(cause ?? data.details.error).replace(/^/gm, '    ')}\n`;
        }
    }
    yield `${passed} passed, ${failed} failed\n`;
}
