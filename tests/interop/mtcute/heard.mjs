/** Everything that a client heard, and waiting for what it has not heard yet. */
export class Heard {
    constructor() {
        this.items = [];
        this.waiting = new Set();
    }

    add(type, value) {
        this.items.push({ type, value });
        for (const look of this.waiting) look();
    }

    /** The first of that type that fits, heard already or within ten seconds; it is taken out. */
    async next(type, fits = () => true, wait = 10000) {
        const take = () => {
            const i = this.items.findIndex((x) => x.type === type && fits(x.value));
            return i < 0 ? undefined : this.items.splice(i, 1)[0].value;
        };
        const found = take();
        if (found !== undefined) return found;
        return new Promise((resolve, reject) => {
            const look = () => {
                const value = take();
                if (value === undefined) return;
                this.waiting.delete(look);
                clearTimeout(timer);
                resolve(value);
            };
            const timer = setTimeout(() => {
                this.waiting.delete(look);
                const seen = this.items.slice(-8).map((x) => `${x.type} ${x.value.text ?? x.value._ ?? ''}`).join(', ');
                reject(new Error(`no ${type} within ${wait} ms that fits ${fits}; the last heard: ${seen || 'nothing'}`));
            }, wait);
            this.waiting.add(look);
        });
    }
}
