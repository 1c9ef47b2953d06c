// Package people keeps who may log in and proves who they are: one file of accounts, mode
// 0600, with argon2id hashes.
//
// The web asks it at each login and at each request; the command line changes the same
// file beside a running server, and what it changes holds at once.
//
// What it promises: the file is replaced as a whole or not at all; a password is stored
// nowhere but as its hash; a check takes the same time for users that do not exist.
//
// It serves nothing, keeps no session and decides nothing about single requests.
package people
