package collection

import (
	"github.com/asidecache/aside/cache"
)

const opAll cache.Op = "All"

// page is how many elements an All asks for at a time.
const page = 512

// A paged is the result of one round trip of an All.
type paged[E any] struct {
	values []E
	failed *ElementsError // by index in values
	first  int            // the index of the first of them, for errors
	next   string         // where a scan goes on
}

// yieldAll yields a page, or the error that came in its place. It reports false when
// nothing more is to come.
func yieldAll[E any](c *core, op cache.Op, key string, p paged[E], err error, yield func(E, error) bool) bool {
	if err != nil {
		var none E
		yield(none, err)
		return false
	}
	for i, e := range p.values {
		var err error
		if p.failed != nil && p.failed.Errs[i] != nil {
			var one *ElementsError
			err = c.undecoded(op, key, one.add(p.first+i, p.failed.Errs[i]))
		}
		if !yield(e, err) {
			return false
		}
	}
	return true
}
