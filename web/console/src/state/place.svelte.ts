/** Where the person is in the queue. It outlives the page, so that coming back comes back. */
class Place {
  /** The focused row; empty when nobody has chosen one and the preview follows the worst. */
  chosen = $state("");
}

export const place = new Place();
