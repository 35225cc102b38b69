package registry

import (
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/store"
)

// A family is the keys of one Name and Version on one client.
type family struct {
	client  any // see store.ClientKey
	name    string
	version int
}

// A use is a form that members of a family have, and how many of them do.
type use struct {
	form  form
	count int
}

var (
	mu       sync.Mutex
	families = map[family][]*use{} // none of them is empty
)

// A Member is a cache or a collection that is open.
type Member struct {
	family family
	form   form
	left   bool
}

// Enter notes that owner keeps values on client under a name and a version, until Leave or
// until nobody can use owner any more. The error says which member of the family keeps them
// otherwise. A client that cannot be compared is nobody else's, so that nothing is refused.
func Enter[T any](owner *T, client redis.UniversalClient, name string, version int, v Values) (*Member, error) {
	key, ok := store.ClientKey(client)
	if !ok {
		return &Member{left: true}, nil
	}
	m := &Member{family: family{key, name, version}, form: formOf(v)}
	if err := m.enter(); err != nil {
		return nil, err
	}
	runtime.AddCleanup(owner, (*Member).Leave, m)
	return m, nil
}

func (m *Member) enter() error {
	mu.Lock()
	defer mu.Unlock()
	uses := families[m.family]
	for _, u := range uses {
		if !u.form.agrees(m.form) {
			return m.refused(u.form)
		}
	}
	if u := find(uses, m.form); u != nil {
		u.count++
		return nil
	}
	families[m.family] = append(uses, &use{m.form, 1})
	return nil
}

// refused is the error of a member whose values are not those of the first.
func (m *Member) refused(first form) error {
	version := "without a Version"
	if m.family.version != 0 {
		version = fmt.Sprint("with Version ", m.family.version)
	}
	a, b := first.String(), m.form.String()
	if a == b {
		b += ", of other types with the same names"
	}
	return fmt.Errorf("the Name %q %s belongs on this client to %s, and this one is %s: "+
		"choose another Name or Version, or Close the first", m.family.name, version, a, b)
}

// Leave takes the member out. Only the first call does anything.
func (m *Member) Leave() {
	mu.Lock()
	defer mu.Unlock()
	if m.left {
		return
	}
	m.left = true
	uses := families[m.family]
	u := find(uses, m.form)
	if u.count--; u.count > 0 {
		return
	}
	uses = slices.DeleteFunc(uses, func(other *use) bool { return other == u })
	if families[m.family] = uses; len(uses) == 0 {
		delete(families, m.family)
	}
}

func find(uses []*use, f form) *use {
	for _, u := range uses {
		if u.form.equal(f) {
			return u
		}
	}
	return nil
}
