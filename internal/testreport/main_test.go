package main

import (
	"strings"
	"testing"
)

// A passed test is silent, a failed one and a package say what they have to say, and the
// time of a test is that of its parallel subtests, too.
func TestReport(t *testing.T) {
	const events = `
{"Action":"start","Package":"p"}
{"Action":"output","Package":"p","Test":"TestQuick","Output":"=== RUN   TestQuick\n"}
{"Action":"pass","Package":"p","Test":"TestQuick","Elapsed":0.1}
{"Action":"output","Package":"p","Test":"TestBad","Output":"    a_test.go:1: bad\n"}
{"Action":"fail","Package":"p","Test":"TestBad","Elapsed":1}
{"Action":"pass","Package":"p","Test":"TestEach/a/deep","Elapsed":2}
{"Action":"pass","Package":"p","Test":"TestEach/a","Elapsed":2}
{"Action":"pass","Package":"p","Test":"TestEach/b","Elapsed":3}
{"Action":"pass","Package":"p","Test":"TestEach","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestHangs","Output":"panic: test timed out\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t6.1s\n"}
{"Action":"fail","Package":"p","Elapsed":6.1}
{"ImportPath":"q","Action":"build-output","Output":"q.go:1: undefined: x\n"}
`
	const want = `    a_test.go:1: bad
FAIL	p	6.1s
q.go:1: undefined: x
panic: test timed out
the slowest tests:
    5.0 s  p TestEach
    1.0 s  p TestBad
`
	var got strings.Builder
	if err := report(strings.NewReader(events), &got, 2); err != nil || got.String() != want {
		t.Errorf("error %v, and\n%s\nwant\n%s", err, got.String(), want)
	}
}

func TestReportOfSomethingElse(t *testing.T) {
	if err := report(strings.NewReader("ok p 1s"), new(strings.Builder), 2); err == nil {
		t.Error("what is no JSON was read")
	}
}
