package scenario

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/asidecache/aside/bench/report"
)

// A reader that fails is measured to the end, and its errors are counted and named.
func TestLargeCountsErrors(t *testing.T) {
	l := &Lab{Quick: true, Progress: t.Logf}
	table := report.Table{Title: "Strings", Head: []string{"contender"}}
	failures, err := l.readAll(t.Context(), &table, []reader{
		{name: "base", read: func(context.Context, *rand.Rand, int) error { return nil }},
		{name: "broken", read: func(ctx context.Context, _ *rand.Rand, n int) error {
			if n == 0 {
				return errors.New("out of time\nand more")
			}
			return nil
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = " Strings, broken, 1 caller: out of time. Strings, broken, 16 callers: out of time."
	if failures != want {
		t.Errorf("failures %q, want %q", failures, want)
	}
	// Each caller fails once in each of 4 turns, of which the first does not count for speed.
	if row := table.Rows[1]; row[2] != "4" || row[4] != "64" {
		t.Errorf("1 and 16 callers had %s and %s errors, want 4 and 64", row[2], row[4])
	}
	if base := table.Rows[0]; base[2] != "0" || base[4] != "0" {
		t.Errorf("the base has errors: %q", base)
	}
}
