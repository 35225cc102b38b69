package hashmap_test

import (
	"testing"

	"github.com/asidecache/aside/codec/codectest"
	"github.com/asidecache/aside/hashmap"
)

func TestContract(t *testing.T) {
	codectest.Run(t, hashmap.MustOf[rich](), full(), rich{Bytes: []byte{}, Blob: blob{}})
	a := ann
	codectest.Run(t, hashmap.MustOf[*account](), &a, new(account))
}

func FuzzContract(f *testing.F) {
	codectest.Fuzz(f, hashmap.MustOf[rich](), full())
}
