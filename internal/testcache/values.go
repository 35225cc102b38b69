package testcache

import (
	"crypto/sha256"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
)

// Person is a struct that every codec of structs can store.
type Person struct {
	ID   int64   `redis:"id,omitempty" msgpack:"id" json:"id"`
	Name string  `redis:"name,omitempty" msgpack:"name" json:"name"`
	Rank float64 `redis:"rank,omitempty" msgpack:"rank" json:"rank"`
	Old  bool    `redis:"old,omitempty" msgpack:"old" json:"old"`
}

// Ann has every field and Bob some, with bytes that protocols and texts are fond of.
var (
	Ann = Person{ID: 1, Name: "Ann", Rank: 1.5, Old: true}
	Bob = Person{ID: 2, Name: "Bob \x00\r\n\"é"}
)

// Keyring has one key, which id tells from those of other keyrings.
func Keyring(id uint32) *codec.Keyring {
	key := sha256.Sum256([]byte{byte(id)})
	return cache.Must(codec.NewKeyring(id, map[uint32][]byte{id: key[:]}))
}

// BigHash is a codec of hashes of any size.
type BigHash struct{}

// Shape says that it is a hash.
func (BigHash) Shape() codec.Shape { return codec.ShapeHash }

// Encode writes a field for each key of the map.
func (BigHash) Encode(w *codec.Wire, v *map[string]string) error {
	for name, value := range *v {
		w.Add([]byte(name), []byte(value))
	}
	return nil
}

// Decode makes a map of the fields.
func (BigHash) Decode(w *codec.Wire, v *map[string]string) error {
	*v = map[string]string{}
	for i := range w.Len() {
		(*v)[string(w.Name(i))] = string(w.Value(i))
	}
	return nil
}
