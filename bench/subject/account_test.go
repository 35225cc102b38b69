package subject_test

import (
	"reflect"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/asidecache/aside/bench/subject"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

func TestSized(t *testing.T) {
	for _, size := range []int{subject.Small, subject.Large, 100 << 10} {
		a := subject.Sized(size)
		b, err := msgpack.Marshal(&a)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) < size-5 || len(b) > size+5 {
			t.Errorf("an account of %d bytes has %d", size, len(b))
		}
	}
}

// What is written by hand is compared with the mapping, so it has to do the same.
func TestHashByHandIsTheMapping(t *testing.T) {
	m := hashmap.MustOf[subject.Account]()
	a := subject.Sized(subject.Small)
	var hand, mapped codec.Wire
	if err := subject.EncodeHash(&hand, &a); err != nil {
		t.Fatal(err)
	}
	if err := m.Encode(&mapped, &a); err != nil {
		t.Fatal(err)
	}
	if got, want := fields(&hand), fields(&mapped); !reflect.DeepEqual(got, want) {
		t.Errorf("by hand the fields are %q, the mapping's are %q", got, want)
	}
	var back subject.Account
	if err := subject.DecodeHash(&mapped, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, a) {
		t.Errorf("read by hand: %+v, want %+v", back, a)
	}
}

func fields(w *codec.Wire) [][2]string {
	var out [][2]string
	for i := range w.Len() {
		out = append(out, [2]string{string(w.Name(i)), string(w.Value(i))})
	}
	return out
}
