package loader

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A BatchFunc obtains the values of many keys at once. The rules of Func about
// ctx and concurrency hold for it. It must neither change keys nor keep it.
//
// With a nil error, a key that is not in the map does not exist. With a
// *BatchError, the keys it names have failed, the values of the others are in the
// map, and a key that is in neither does not exist. Any other error says that the
// source could not answer for any key, and the map beside it means nothing.
type BatchFunc[K comparable, V any] func(ctx context.Context, keys []K) (map[K]V, error)

// A BatchError says which keys of a batch have failed, and why. It is returned with
// the values of the others. A key that does not exist is not among them.
type BatchError[K comparable] struct {
	Errs map[K]error

	Call string // what failed, such as "aside: GetMany user"; empty if not known
	Keys int    // how many keys the call had, each counted once; 0 if not known
}

// Error says what the call was, counts the keys and names the first few, in the order of
// their text.
func (e *BatchError[K]) Error() string {
	const named = 3
	lines := make([]string, 0, len(e.Errs))
	for key, err := range e.Errs {
		lines = append(lines, fmt.Sprintf("key %v: %v", key, err))
	}
	slices.Sort(lines)
	if more := len(lines) - named; more > 0 {
		lines = append(lines[:named], fmt.Sprintf("and %d more", more))
	}
	call, keys := "", "the"
	if e.Call != "" {
		call = e.Call + ": "
	}
	if e.Keys > 0 {
		keys = strconv.Itoa(e.Keys)
	}
	return fmt.Sprintf("%s%d of %s keys failed: %s", call, len(e.Errs), keys, strings.Join(lines, "; "))
}

// Unwrap returns the errors of all keys, in no order.
func (e *BatchError[K]) Unwrap() []error {
	return slices.Collect(maps.Values(e.Errs))
}
