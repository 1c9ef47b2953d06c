package main

import (
	"time"

	"github.com/vedette-cctv/vedette/internal/scene"
	"github.com/vedette-cctv/vedette/models"
)

// shot is what a picture is taken of.
type shot struct {
	name     string        // of the camera, as the card shows it
	film     string        // in the data folder; empty when it is drawn
	length   time.Duration // of the film, from its beginning
	scene    *scene.Scene
	objects  bool   // whether the object detector looks too
	zones    string // YAML, indented by six
	incident int    // which one, from 0
}

const (
	persons = "clips/one_by_one_person.mp4"
	cars    = "clips/cars_from_above.mp4"
)

// shots are the pictures by the kind of their rule.
func shots() map[models.Kind]shot {
	return map[models.Kind]shot{
		models.KindMotion: {name: "Car park", film: cars, length: 15 * time.Second, objects: true,
			zones: "      lane: {polygon: [[0.2, 0.05], [0.8, 0.05], [0.8, 1], [0.2, 1]], rules: [{kind: motion}]}\n"},
		models.KindIntrusion: {name: "Meeting room", film: persons, length: 30 * time.Second, objects: true,
			zones: "      floor: {polygon: [[0.3, 0.7], [0.85, 0.7], [0.85, 1], [0.3, 1]], rules: [{kind: intrusion, labels: [person]}]}\n"},
		models.KindLoitering: {name: "Meeting room", film: persons, length: 30 * time.Second, objects: true,
			zones: "      table: {polygon: [[0.4, 0.75], [0.75, 0.75], [0.75, 1], [0.4, 1]], rules: [{kind: loitering, dwell: 8s, labels: [person]}]}\n"},
		models.KindReturning: {name: "Hall", scene: threeVisits(),
			zones: "      desk: {polygon: [[0.35, 0.45], [0.95, 0.45], [0.95, 1], [0.35, 1]], rules: [{kind: returning, visits: 3, window: 10m}]}\n"},
		models.KindLine: {name: "Car park", film: cars, length: 15 * time.Second,
			zones: "      lane: {rules: [{kind: line, line: [[0.2, 0.5], [0.8, 0.5]], direction: to_left}]}\n"},
		models.KindCrowd: {name: "Hall", scene: queue(),
			zones: "      till: {polygon: [[0.1, 0.5], [0.9, 0.5], [0.9, 1], [0.1, 1]], rules: [{kind: crowd, count: 3, for: 5s}]}\n"},
		models.KindLeftObject: {name: "Hall", scene: bag(),
			zones: "      hall: {rules: [{kind: left_object, for: 15s}]}\n"},
		models.KindRemovedObject: {name: "Hall", scene: theft(),
			zones: "      stand: {polygon: [[0.5, 0.5], [0.8, 0.5], [0.8, 0.95], [0.5, 0.95]], rules: [{kind: removed_object, for: 8s}]}\n"},
	}
}

// hall is the scene in which the others play.
func hall(length time.Duration, actors ...scene.Actor) *scene.Scene {
	return &scene.Scene{Width: 640, Height: 360, FPS: 10, Length: length, Seed: 7, Noise: 2, Actors: actors}
}

func at(x, y float64) models.Point { return models.Point{X: x, Y: y} }

// way makes the stops of one who is at each place at its second, and stands where the same
// place follows itself.
func way(stops ...scene.Stop) []scene.Stop { return stops }

func stop(second, x, y float64) scene.Stop {
	return scene.Stop{At: time.Duration(second * float64(time.Second)), Foot: at(x, y)}
}

// threeVisits: one in red comes three times, and others in between.
func threeVisits() *scene.Scene {
	visit := func(from float64, shirt scene.Colour) scene.Actor {
		return scene.Actor{Height: 0.42, Shirt: shirt, Stops: way(
			stop(from, -0.05, 0.85), stop(from+6, 0.6, 0.8), stop(from+12, 0.62, 0.8), stop(from+17, 1.06, 0.9))}
	}
	return hall(110*time.Second,
		visit(4, scene.Red), visit(26, scene.Blue), visit(48, scene.Red), visit(70, scene.Green), visit(92, scene.Red))
}

// queue: five come and wait.
func queue() *scene.Scene {
	shirts := []scene.Colour{scene.Red, scene.Blue, scene.White, scene.Green, scene.Dark}
	s := hall(40 * time.Second)
	for i, shirt := range shirts {
		from, x := 3+2.5*float64(i), 0.8-0.15*float64(i)
		y := 0.78 + 0.04*float64(i%2)
		s.Actors = append(s.Actors, scene.Actor{Height: 0.4, Shirt: shirt,
			Stops: way(stop(from, -0.05, y), stop(from+5, x, y), stop(40, x, y))})
	}
	return s
}

// bag: somebody comes, puts a bag down, waits beside it and goes.
func bag() *scene.Scene {
	return hall(60*time.Second,
		scene.Actor{Rigid: true, Height: 0.11, Width: 0.07, Shirt: scene.Dark, Stops: way(stop(11, 0.57, 0.82), stop(60, 0.57, 0.82))},
		scene.Actor{Height: 0.42, Shirt: scene.Blue, Stops: way(
			stop(4, -0.05, 0.85), stop(10, 0.5, 0.82), stop(15, 0.5, 0.82), stop(21, 1.06, 0.9))},
	)
}

// theft: a crate has always stood there; somebody comes and takes it along.
func theft() *scene.Scene {
	return hall(60*time.Second,
		scene.Actor{Rigid: true, Height: 0.16, Width: 0.1, Shirt: scene.Red, Stops: way(stop(0, 0.65, 0.8), stop(26, 0.65, 0.8))},
		scene.Actor{Height: 0.42, Shirt: scene.Green, Stops: way(
			stop(19, -0.05, 0.85), stop(25, 0.56, 0.82), stop(27, 0.56, 0.82), stop(34, 1.06, 0.9))},
	)
}
