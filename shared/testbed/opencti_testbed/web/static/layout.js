// Where the objects of a graph go: each pushes all others away, relations hold together what they join.
const REACH = 700;
const PUSH = 9500;
const LENGTH = 110;
const PULL = 0.06;
const CENTRE = 0.011;
const NARROW = 0.6;
const SLOWNESS = 0.62;
const COOLING = 0.985;
const COLD = 0.02;

export class Layout {
  constructor() {
    this.warmth = 0;
    // How much wider than high the picture is to be.
    this.stretch = 1;
  }

  get isMoving() {
    return this.warmth > COLD;
  }

  warm(warmth = 1) {
    this.warmth = Math.max(this.warmth, warmth);
  }

  // One step; nodes are {x, y, vx, vy, held}, edges are {source, target} of nodes.
  step(nodes, edges) {
    const warmth = this.warmth;
    for (let i = 0; i < nodes.length; i += 1) {
      const a = nodes[i];
      for (let j = i + 1; j < nodes.length; j += 1) {
        const b = nodes[j];
        const dx = a.x - b.x || 0.1;
        const dy = a.y - b.y || 0.1;
        // Names are wider than high: who stands side by side needs more room.
        const square = dx * dx * NARROW * NARROW + dy * dy;
        if (square > REACH * REACH) continue;
        const force = (PUSH / square) * warmth;
        const distance = Math.sqrt(square);
        const fx = (dx / distance) * force;
        const fy = (dy / distance) * force;
        a.vx += fx;
        a.vy += fy;
        b.vx -= fx;
        b.vy -= fy;
      }
    }
    for (const { source, target } of edges) {
      const dx = target.x - source.x;
      const dy = target.y - source.y;
      const distance = Math.hypot(dx, dy) || 1;
      const force = ((distance - LENGTH) / distance) * PULL * warmth;
      source.vx += dx * force;
      source.vy += dy * force;
      target.vx -= dx * force;
      target.vy -= dy * force;
    }
    for (const node of nodes) {
      node.vx = (node.vx - (node.x * CENTRE * warmth) / this.stretch) * SLOWNESS;
      node.vy = (node.vy - node.y * CENTRE * warmth * this.stretch) * SLOWNESS;
      if (!node.held) {
        node.x += node.vx;
        node.y += node.vy;
      }
    }
    this.warmth *= COOLING;
  }

  // All steps at once, for who does not want to see things move.
  settle(nodes, edges) {
    while (this.isMoving) this.step(nodes, edges);
  }
}
