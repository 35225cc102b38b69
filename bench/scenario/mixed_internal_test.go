package scenario

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/harness"
)

// A rival that fails is named and left out; the base and aside may not fail.
func TestWarmUp(t *testing.T) {
	broken := errors.New("out of order")
	op := func(r rival) harness.Op {
		return func(context.Context, *rand.Rand, int) error {
			if strings.HasSuffix(r.Name, "broken") {
				return broken
			}
			return nil
		}
	}
	named := func(names ...string) (rivals []rival) {
		for _, name := range names {
			rivals = append(rivals, rival{Spec: contender.Spec{Name: name}})
		}
		return rivals
	}
	able, failures, err := warmUp(t.Context(), named("base", "rival broken", "aside"), time.Millisecond, op)
	if err != nil || len(able) != 2 || failures != " rival broken could not take part: out of order." {
		t.Errorf("%d able, %q, %v", len(able), failures, err)
	}
	for _, names := range [][]string{{"base broken", "aside"}, {"base", "aside broken"}} {
		if _, _, err := warmUp(t.Context(), named(names...), time.Millisecond, op); !errors.Is(err, broken) {
			t.Errorf("%v: %v", names, err)
		}
	}
}
