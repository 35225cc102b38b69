package registry

import "fmt"

// A names is the keys of one Name on one client, of all versions: they share control keys.
type names struct {
	client any
	name   string
}

// A prefixUse is what begins the control keys of a Name, and how many members rely on it.
type prefixUse struct {
	prefix string
	count  int
}

var prefixes = map[names]*prefixUse{} // guarded by mu; none has a count of 0

// enterPrefix registers a member with a prefix of control keys, unless another one of the Name
// has another.
func (k keyspace) enterPrefix(prefix string) error {
	use := prefixes[k.names()]
	switch {
	case use == nil:
		use = &prefixUse{prefix: prefix}
		prefixes[k.names()] = use
	case use.prefix != prefix:
		return fmt.Errorf("the Name %q belongs on this client to a cache or collection with the "+
			"ControlPrefix %q, and this one has %q: all that use the keys must have the same",
			k.name, use.prefix, prefix)
	}
	use.count++
	return nil
}

func (k keyspace) leavePrefix() {
	use := prefixes[k.names()]
	if use.count--; use.count == 0 {
		delete(prefixes, k.names())
	}
}

func (k keyspace) names() names { return names{k.client, k.name} }
