// Answers of the library @aws-cdk/cloudformation-diff, and of cdk-diff-action by its rule, on each change of standard input.
import { createInterface } from "node:readline";
import { fullDiff, ResourceImpact } from "@aws-cdk/cloudformation-diff";

const REPLACING = [ResourceImpact.WILL_REPLACE, ResourceImpact.MAY_REPLACE];
const ENDING = [ResourceImpact.WILL_DESTROY, ResourceImpact.WILL_ORPHAN];

// Of a function, the action shows no change of its code (corymhall/cdk-diff-action, src/diff.ts).
function isShown(change) {
  const changed = Object.keys(change.propertyUpdates);
  const isCode = changed.includes("Metadata") || (changed.length <= 2 && changed.includes("Code"));
  return !((change.oldResourceType ?? change.newResourceType) === "AWS::Lambda::Function" && isCode);
}

function answer({ before, after }) {
  const difference = fullDiff(before, after);
  const found = [];
  difference.resources.forEachDifference((name, change) => found.push(change));
  const isDestructive = (change) => change.isRemoval || [...REPLACING, ...ENDING].includes(change.changeImpact);
  return {
    library: { data: found.some(isDestructive), permissions: difference.permissionsBroadened },
    action: { data: found.some((change) => isShown(change) && isDestructive(change)), permissions: false },
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(answer(JSON.parse(line))));
}
