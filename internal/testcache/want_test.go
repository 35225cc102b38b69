package testcache

import (
	"fmt"
	"strings"
	"testing"
)

// What a failed test says of a long value is short, and tells two of one length apart.
func TestBrief(t *testing.T) {
	x, y := Brief(strings.Repeat("x", 1<<20)), Brief(strings.Repeat("x", 1<<20-1)+"y")
	if len(x) > 120 || !strings.Contains(x, "1048576 bytes") || x == y {
		t.Errorf("a megabyte is %.200s and %.200s", x, y)
	}
	if s := Brief(Ann); s != fmt.Sprintf("%+v", Ann) {
		t.Errorf("a person is %s", s)
	}
}
