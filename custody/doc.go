// Package custody makes what happened to evidence provable: the keys that sign for this
// recorder, and the append-only log of who did what to which evidence.
//
// [Keys] holds one Ed25519 key. It is made at the first start, can be read by the
// program's user alone, and can be replaced; the public halves of all keys stay, each
// signed for by the one before it.
//
// [Log] takes one [models.Custody] entry for each thing that is done. An entry is durable
// when Record returns. The entries are the leaves of a Merkle tree (RFC 6962), and each
// batch of them ends with the signed head of the tree (C2SP checkpoint), so no entry can
// be changed, taken out or put in without breaking every head after it. Run keeps the
// newest head off site and has one a day stamped by an authority (RFC 3161), which binds
// also whoever holds the key.
//
// [Log.Extract] takes out the entries of some incidents with the proof that they are in
// the log. [Extract.Verify] checks such a piece with nothing but the public keys: no
// server, no network, no other file.
//
// The program opens the keys and the log when it starts. Storage signs manifests and
// records what happens to evidence, web records what people look at, the exhibit carries
// extracts. What this package does not do: it never looks at footage, and it decides
// nothing about who may do what.
//
// docs/custody.md says what all this proves and what it cannot.
package custody
