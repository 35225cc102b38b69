package registry

import (
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/client"
)

// A keyspace is the keys of one Name and Version on one client.
type keyspace struct {
	client  any // see client.Key
	name    string
	version int
}

// A use is a form that members of a keyspace have, and how many of them have it.
type use struct {
	form  form
	count int
}

var (
	mu        sync.Mutex
	keyspaces = map[keyspace][]*use{} // none of them is empty
)

// A Member is a cache or a collection that is open.
type Member struct {
	keyspace keyspace
	form     form
	left     bool
}

// Enter registers that owner keeps values on rdb under a name and a version, until Leave or
// until owner is no longer reachable. The error says which member of the keyspace keeps them in
// another form. A client that cannot be compared is never that of another member, so that
// nothing is refused.
func Enter[T any](
	owner *T, rdb redis.UniversalClient, name string, version int, v Values,
) (*Member, error) {
	key, ok := client.Key(rdb)
	if !ok {
		return &Member{left: true}, nil
	}
	m := &Member{keyspace: keyspace{key, name, version}, form: formOf(v)}
	if err := m.enter(v.ControlPrefix); err != nil {
		return nil, err
	}
	runtime.AddCleanup(owner, (*Member).Leave, m)
	return m, nil
}

func (m *Member) enter(prefix string) error {
	mu.Lock()
	defer mu.Unlock()
	uses := keyspaces[m.keyspace]
	for _, u := range uses {
		if !u.form.agrees(m.form) {
			return m.refused(u.form)
		}
	}
	if err := m.keyspace.enterPrefix(prefix); err != nil {
		return err
	}
	if u := find(uses, m.form); u != nil {
		u.count++
		return nil
	}
	keyspaces[m.keyspace] = append(uses, &use{m.form, 1})
	return nil
}

// refused is the error of a member whose values have another form than those of the first.
func (m *Member) refused(first form) error {
	version := "without a Version"
	if m.keyspace.version != 0 {
		version = fmt.Sprint("with Version ", m.keyspace.version)
	}
	a, b := first.String(), m.form.String()
	if a == b {
		b += ", of other types with the same names"
	}
	return fmt.Errorf("the Name %q %s belongs on this client to %s, and this one is %s: "+
		"choose another Name or Version, or Close the first", m.keyspace.name, version, a, b)
}

// Leave removes the member. Only the first call does anything.
func (m *Member) Leave() {
	mu.Lock()
	defer mu.Unlock()
	if m.left {
		return
	}
	m.left = true
	m.keyspace.leavePrefix()
	uses := keyspaces[m.keyspace]
	u := find(uses, m.form)
	if u.count--; u.count > 0 {
		return
	}
	uses = slices.DeleteFunc(uses, func(other *use) bool { return other == u })
	if keyspaces[m.keyspace] = uses; len(uses) == 0 {
		delete(keyspaces, m.keyspace)
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
