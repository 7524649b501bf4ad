import { expect, test } from 'bun:test'
import { readReport } from '../../scripts/junit.ts'

const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="6">
  <testsuite name="tests/a.test.ts" file="tests/a.test.ts" tests="6">
    <testsuite name="outer &quot;q&quot; &lt;x&gt;" line="2">
      <testcase name="ok" classname="outer" time="0.000005" assertions="0" />
      <testcase name="skipped: no root &amp; &quot;x&quot;" classname="outer">
        <skipped />
      </testcase>
      <testcase name="bad" classname="outer">
        <failure type="AssertionError" message="a &lt;testcase&gt; > b">AssertionError: &lt;skipped /&gt;&#10;</failure>
      </testcase>
      <testcase name="later" classname="outer">
        <skipped message="TODO" />
      </testcase>
    </testsuite>
    <testcase name="hang" classname="">
      <failure type="TimeoutError" message="test timed out" />
    </testcase>
    <testcase name="after" classname="" />
  </testsuite>
</testsuites>`

test('names and outcomes of a report', () => {
  expect(readReport(report)).toEqual([
    { name: 'tests/a.test.ts > outer "q" <x> > ok', state: 'passed' },
    { name: 'tests/a.test.ts > outer "q" <x> > skipped: no root & "x"', state: 'skipped' },
    { name: 'tests/a.test.ts > outer "q" <x> > bad', state: 'failed' },
    { name: 'tests/a.test.ts > outer "q" <x> > later', state: 'skipped' },
    { name: 'tests/a.test.ts > hang', state: 'failed' },
    { name: 'tests/a.test.ts > after', state: 'passed' },
  ])
})
