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
	next   string         // the cursor at which a scan continues
}

// yieldAll yields a page, or the error in its place. It reports false after an error and when
// yield wants no more.
func yieldAll[E any](
	c *core, key string, p paged[E], err error, yield func(E, error) bool,
) bool {
	if err != nil {
		var none E
		yield(none, err)
		return false
	}
	for i, e := range p.values {
		var err error
		if p.failed != nil && p.failed.Errs[i] != nil {
			var one *ElementsError
			err = c.undecoded(opAll, key, one.add(p.first+i, p.failed.Errs[i]))
		}
		if !yield(e, err) {
			return false
		}
	}
	return true
}
