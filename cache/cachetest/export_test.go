package cachetest

import "github.com/asidecache/aside/codec"

// Description returns what Schema writes.
func Description[V any](c codec.Codec[V]) string {
	s, err := codec.SchemaOf(c)
	if err != nil {
		panic(err)
	}
	return description{c.Shape().String(), s}.String()
}

// NoChange is how the report of no change ends.
var NoChange = report(nil)
